#include "sampler.h"

#include <stdio.h>
#include <strings.h>

enum { SAMPLED = 0x01, RANDOM_BYTES = 7 };

#define RANDOM_RANGE (UINT64_C(1) << (8 * RANDOM_BYTES))

/* ---- Decisions ------------------------------------------------------- */

static otk_sampling_result decide(const otk_sampling_input *input, bool sample)
{
    otk_sampling_decision decision = sample ? OTK_SAMPLING_RECORD_AND_SAMPLE : OTK_SAMPLING_DROP;
    return (otk_sampling_result){decision, NULL, input->parent ? input->parent->trace_state : NULL};
}

static otk_sampling_result sample_always(const otk_sampler *self, const otk_sampling_input *input)
{
    (void)self;
    return decide(input, true);
}

static otk_sampling_result sample_never(const otk_sampler *self, const otk_sampling_input *input)
{
    (void)self;
    return decide(input, false);
}

/* W3C: the last seven bytes of a trace id are the random ones. */
static uint64_t randomness_of(const uint8_t *trace_id)
{
    uint64_t randomness = 0;
    for (size_t i = 16 - RANDOM_BYTES; i < 16; i++)
        randomness = randomness << 8 | trace_id[i];
    return randomness;
}

/* Ids below the threshold are not taken; it goes down as the ratio goes up. */
static uint64_t threshold_of(double ratio)
{
    if (!(ratio > 0))
        return RANDOM_RANGE;
    return ratio < 1 ? RANDOM_RANGE - (uint64_t)(ratio * (double)RANDOM_RANGE) : 0;
}

static otk_sampling_result sample_ratio(const otk_sampler *self, const otk_sampling_input *input)
{
    return decide(input, randomness_of(input->trace_id) >= threshold_of(self->ratio));
}

static otk_sampling_result sample_like_parent(const otk_sampler *self, const otk_sampling_input *input)
{
    const otk_span_context *parent = input->parent;
    const otk_sampler *of_parent[2][2] = {{self->local_not_sampled, self->local_sampled},
                                          {self->remote_not_sampled, self->remote_sampled}};
    const otk_sampler *s = parent ? of_parent[parent->is_remote][parent->trace_flags & SAMPLED] : self->root;
    return s ? s->sample(s, input) : sample_ratio(self, input);
}

/* ---- Samplers -------------------------------------------------------- */

static const otk_sampler always_on = {.sample = sample_always, .description = "AlwaysOnSampler"};
static const otk_sampler always_off = {.sample = sample_never, .description = "AlwaysOffSampler"};

const otk_sampler *otk_sampler_always_on(void)
{
    return &always_on;
}

const otk_sampler *otk_sampler_always_off(void)
{
    return &always_off;
}

otk_sampler otk_sampler_ratio(double ratio)
{
    return (otk_sampler){.sample = sample_ratio, .description = "TraceIdRatioBased", .ratio = ratio};
}

otk_sampler otk_sampler_parent_based(const otk_sampler *root)
{
    return (otk_sampler){.sample = sample_like_parent,
                         .description = "ParentBased",
                         .ratio = 1,
                         .root = root,
                         .remote_sampled = &always_on,
                         .remote_not_sampled = &always_off,
                         .local_sampled = &always_on,
                         .local_not_sampled = &always_off};
}

void otk_sampler_describe(const otk_sampler *sampler, char *out, size_t size)
{
    static const otk_sampler none = {.sample = NULL};
    char root[64];
    if (!out)
        return;
    sampler = sampler ? sampler : &none;
    otk_sampler ratio = otk_sampler_ratio(sampler->ratio);
    if (sampler->sample == sample_ratio) {
        snprintf(out, size, "%s{%f}", sampler->description, sampler->ratio);
    } else if (sampler->sample == sample_like_parent) {
        otk_sampler_describe(sampler->root ? sampler->root : &ratio, root, sizeof root);
        snprintf(out, size, "%s{%s}", sampler->description, root);
    } else {
        snprintf(out, size, "%s", sampler->description ? sampler->description : "");
    }
}

/* ---- Names ----------------------------------------------------------- */

static const struct {
    const char *name;
    otk_sample_fn *sample;
    bool parent_based;
} names[] = {
    {"always_on", sample_always, false},   {"parentbased_always_on", sample_always, true},
    {"always_off", sample_never, false},   {"parentbased_always_off", sample_never, true},
    {"traceidratio", sample_ratio, false}, {"parentbased_traceidratio", sample_ratio, true},
};

/* NULL for the ratio, which needs a value of its own. */
static const otk_sampler *fixed_one(otk_sample_fn *sample)
{
    return sample == sample_always ? &always_on : sample == sample_never ? &always_off : NULL;
}

bool otk_sampler_named(otk_string name, otk_sampler *out)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i].name) != name.size || strncasecmp(names[i].name, name.data, name.size) != 0)
            continue;
        const otk_sampler *fixed = fixed_one(names[i].sample);
        *out = names[i].parent_based ? otk_sampler_parent_based(fixed) : fixed ? *fixed : otk_sampler_ratio(1);
        return true;
    }
    return false;
}

const char *otk_sampler_name(const otk_sampler *sampler)
{
    bool parent_based = sampler->sample == sample_like_parent;
    const otk_sampler *root = parent_based ? sampler->root : sampler;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].parent_based == parent_based && names[i].sample == (root ? root->sample : sample_ratio))
            return names[i].name;
    return sampler->description ? sampler->description : "";
}

bool otk_sampler_ignores_parent(const otk_sampler *sampler)
{
    return sampler->sample == sample_ratio;
}

bool otk_sampler_is_fixed(const otk_sampler *sampler, otk_sampling_decision *out)
{
    const otk_sampler *root = sampler->sample == sample_like_parent && sampler->root ? sampler->root : sampler;
    if (root->sample == sample_always)
        *out = OTK_SAMPLING_RECORD_AND_SAMPLE;
    else if (root->sample == sample_never)
        *out = OTK_SAMPLING_DROP;
    else
        return false;
    return true;
}
