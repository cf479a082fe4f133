"""What is said of the workers' time, from rounds that were measured elsewhere."""

from __future__ import annotations

from types import SimpleNamespace

from elman.distributed.timing import N_COUNTED, N_LEFT_OUT, Round, Timing


def timed(*rounds, n_samples=10_000):
    timing = Timing(n_samples)
    for _ in range(N_LEFT_OUT):
        timing.add(Round(99.0, [99.0], 1, 1))  # workers start in it
    for one in rounds:
        timing.add(one)
    return timing


def test_nothing_is_said_before_a_round_is_counted():
    assert Timing(10).efficiency() is None
    assert timed().efficiency() is None


def test_compute_and_communication_and_a_better_batch_size():
    found = timed(Round(0.030, [0.018, 0.018], 2, 64)).efficiency()
    assert (round(found.compute, 6), round(found.communication, 6)) == (0.018, 0.012)
    assert round(found.share, 6) == 0.6
    assert found.batch_size == 512  # 144 ms of computing beside 12 ms; 256 would give 86 %
    assert str(found) == (
        "compute 18.0 ms, communication 12.0 ms a round: 60 % of the workers' time; "
        "batch_size=512 would give 92 %"
    )


def test_no_batch_is_larger_than_the_data():
    one = Round(0.030, [0.018, 0.018], 2, 64)
    assert timed(one, n_samples=300).efficiency().batch_size == 256
    assert timed(one, n_samples=100).efficiency().batch_size is None


def test_workers_that_are_used_well_are_left_alone():
    found = timed(Round(0.020, [0.019, 0.019], 2, 64)).efficiency()
    assert found.batch_size is None
    assert str(found).endswith("95 % of the workers' time")


def test_workers_without_a_share_are_counted():
    found = timed(Round(0.020, [0.019, 0.019], 5, 64)).efficiency()
    assert (found.n_idle, found.n_workers) == (3, 5)
    assert round(found.share, 2) == 0.38
    assert "3 of 5 workers have nothing to do" in str(found)


def test_it_is_reported_once_when_enough_was_seen():
    timing, written = Timing(1000), []
    report = timing.reporter(written.append)
    for epoch in range(1, 4):
        report(SimpleNamespace(epoch=epoch))
    assert written == []
    for _ in range(N_LEFT_OUT + N_COUNTED):
        timing.add(Round(0.030, [0.018], 1, 64))
    assert timing.is_full
    report(SimpleNamespace(epoch=1))
    report(SimpleNamespace(epoch=2))
    assert len(written) == 1


def test_of_replicas_more_local_steps_are_recommended():
    timing = Timing(40, local=True)
    for _ in range(N_LEFT_OUT + 1):
        timing.add(Round(0.030, [0.018, 0.018], 3, 4))
    assert str(timing.efficiency()) == (
        "compute 18.0 ms, communication 12.0 ms a round: 40 % of the workers' time; "
        "local_steps=32 would give 62 %; 1 of 3 workers have nothing to do, because there are "
        "fewer replicas"
    )
