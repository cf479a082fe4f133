/* A recording in; its class out, after each time step, on a machine of any size.
 *
 * model.h and model.c are written by elman. recording.h holds an array of time steps, which stands
 * for what your sensors deliver.
 */

#include <stdio.h>

#include "model.h"
#include "recording.h"

int main(void)
{
    static model_state state; /* one for each sequence that goes on at a time */
    static float probabilities[MODEL_N_OUTPUTS];
    const size_t n_steps = sizeof recording / sizeof recording[0];
    int best = 0;

    model_reset(&state);
    for (size_t t = 0; t < n_steps; t++) {
        int status = model_step(&state, recording[t]);
        if (status == MODEL_OK) {
            status = model_probabilities(&state, probabilities);
        }
        if (status != MODEL_OK) {
            printf("step %u: error %d\n", (unsigned)t, status);
            return 1;
        }
        best = model_most_probable(probabilities);
        printf("step %u: %s\n", (unsigned)t, model_classes[best]);
    }
    /* Whole thousandths: printf of small C libraries knows no fractions. */
    printf("answer: %s, %d of 1000\n", model_classes[best], (int)(1000 * probabilities[best] + 0.5f));
    return 0;
}
