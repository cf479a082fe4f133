/* The start of a Cortex-M4, for QEMU's board mps2-an386. A board of yours has its own. */

#include <stdint.h>

extern void _start(void); /* newlib's: it calls main */

static void reset(void)
{
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* CPACR: switch the unit for floats on */
    _start();
}

/* Where the processor looks first: the end of the stack, and what to run. */
__attribute__((section(".vectors"), used)) static const uintptr_t vectors[2] = {
    0x20400000,
    (uintptr_t)reset,
};
