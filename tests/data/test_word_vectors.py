"""Text files of word vectors, whole and damaged."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from elman.data import ReaderError, read_word_vectors

GLOVE = "the 0.5 -1 2e-3\n. . 1 2 3\nnaïve 4 5 6\n"
EXPECTED = {"the": [0.5, -1, 2e-3], ". .": [1, 2, 3], "naïve": [4, 5, 6]}


def check(found, expected):
    assert [*found] == [*expected]
    for token, vector in expected.items():
        assert found[token].dtype == np.float32
        np.testing.assert_array_equal(found[token], np.array(vector, np.float32))


@pytest.mark.parametrize(
    "text",
    [
        GLOVE,
        GLOVE.rstrip("\n"),
        GLOVE.replace("\n", " \n"),
        GLOVE.replace("\n", "\r\n"),
        "\ufeff" + GLOVE,
        "3 3\n" + GLOVE,
        "3 3\n" + GLOVE.replace("\n", " \n"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_glove_and_word2vec(text, compressed, write):
    data = text.encode()
    path = write(gzip.compress(data), "v.txt.gz") if compressed else write(data, "v.txt")
    check(read_word_vectors(path), EXPECTED)
    check(read_word_vectors(str(path), ["naïve", "unheard"]), {"naïve": [4, 5, 6]})
    check(read_word_vectors(path, {". .": 1}), {". .": [1, 2, 3]})
    check(read_word_vectors(path, ["."]), {})
    check(read_word_vectors(path, []), {})


def test_only_what_is_wanted_is_kept(write):
    path = write("".join(f"t{i} {i} 1\n" for i in range(1000)), "v.txt")
    found = read_word_vectors(path, ["t7", None, 3, "t990"])
    check(found, {"t7": [7, 1], "t990": [990, 1]})
    assert found["t7"].base.shape == (2, 2)
    assert read_word_vectors(path)["t7"].base.shape == (1000, 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a 1 2\nb 1\n", r"v.txt, line 2: has 1 number\(s\), not 2"),
        ("a 1 2\nb 1 2 3\nc 1\n", r"line 3: has 1 number"),
        ("a 1 2\nb 1 x\n", "line 2: has 'x' where a number is expected"),
        ("a 1 2\nb 1  2\n", "line 2: has '' where"),
        ("a 1 2\nb 1 1_0\n", "line 2: has '1_0'"),
        ("a 1 2\nb 1 nan\n", "line 2: has 'nan', which is not finite"),
        ("a 1 2\nb 1 1e39\n", "line 2: has '1e39', which is not finite"),
        ("a 1 2\n\nb 1 2\n", "line 2: is empty"),
        ("a\nb\n", "line 1: says that a vector has 0 numbers"),
        ("2 0\na\nb\n", "line 1: says that a vector has 0 numbers"),
        ("2 999999999999\na 1\n", "line 1: says that a vector has 999,999,999,999 numbers"),
        ("3 2\na 1 2\nb 1 2\n", "v.txt: the first line promises 3 tokens, but there are 2"),
        ("", "v.txt: holds no vectors"),
        ("2 2\n", "promises 2 tokens, but there are 0"),
        (b"a 1 2\n\xff 1 2\n", "line 2: byte 0xff of the token is not UTF-8"),
        (b"1 2\na \x00\x01\x02\x03\n", "line 2: has"),
        (b"PK\x03\x04...", "a zip archive"),
        ("a 1".encode("utf-16"), "UTF-16"),
    ],
)
def test_files_that_are_none(text, says, write):
    with pytest.raises(ReaderError, match=says):
        read_word_vectors(write(text, "v.txt"))


def test_lines_that_are_not_wanted_are_not_read(write):
    path = write(b"a 1 2\n\xff 1 2\nb 1 x\n", "v.txt")
    check(read_word_vectors(path, ["a"]), {"a": [1, 2]})
    with pytest.raises(ReaderError, match="line 3"):
        read_word_vectors(path, ["b"])


def test_a_token_with_two_vectors(write):
    path = write("a 1 2\nb 3 4\na 5 6\nb 7 8\n", "v.txt")
    with pytest.warns(UserWarning, match=r"line 3: 'a' was there before; 2 token\(s\)"):
        check(read_word_vectors(path), {"a": [1, 2], "b": [3, 4]})


def test_a_line_without_end(write, monkeypatch):
    monkeypatch.setattr("elman.data.word_vectors.LONGEST_LINE", 50)
    with pytest.raises(ReaderError, match="line 2: is longer than 50 bytes"):
        read_word_vectors(write("a 1 2\nb" + " 1" * 40, "v.txt"))


@pytest.mark.parametrize("damage", [slice(-9), slice(5), slice(1, None)])
def test_damaged_gzip(damage, write):
    whole = gzip.compress("".join(f"t{i} {i}\n" for i in range(99)).encode())
    with pytest.raises(ReaderError, match=r"v.gz: is no whole gzip file"):
        read_word_vectors(write(whole[damage], "v.gz"))


def test_arguments(tmp_path, write):
    with pytest.raises(TypeError, match="tokens='a' is a single str"):
        read_word_vectors(write("a 1\n", "v.txt"), "a")
    with pytest.raises(FileNotFoundError):
        read_word_vectors(tmp_path / "nothing.txt")
    with pytest.raises(ReaderError, match="a folder"):
        read_word_vectors(tmp_path)
