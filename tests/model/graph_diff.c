/* Random histories: what a comparison of two moments says, against a list of objects that each
 * bear a serial number. One runtime's blocks are recorded, the other has numbers for keys.
 *
 * usage: graph_diff [histories] [first seed] */
#include <leakwatch.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 60, MOMENTS = 4, SITES = 4, TYPES = 5, BLOCK = 64, HEADER = 16 };

static const struct {
    const char *name;
    uint64_t key;
    uint32_t flags;
} types[TYPES] = {{"Map", 1, 0}, {"Map", 2, 0}, {"float", 0, LW_TYPE_FREELIST},
                  {"Array", 0, 0}, {"Empty", 0, 0}};
static const char *const runtime_names[] = {"recorded", "numbers"};

struct object {
    int lives, runtime, type, rooted, recorded, site;
    uint64_t size, serial;
};

struct moment {
    struct object slots[SLOTS];
    lw_snapshot *snapshot;
};

static struct object slots[SLOTS]; /* slot i of a runtime has one address for ever */
static struct moment moments[MOMENTS];
static lw_context *context;
static lw_domain *heap;
static uint64_t seed, next_serial, current;
static unsigned long failures;

static int below(int limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (int)((seed * 0x9e3779b97f4a7c15u >> 33) % (uint64_t)limit);
}

static void expect(long long got, long long want, const char *what, const char *where)
{
    if (got != want && failures++ < 20)
        fprintf(stderr, "history %llu: %s of %s: %lld, should be %lld\n",
                (unsigned long long)current, what, where, got, want);
}

/* ---- the heap ---- */

static lw_key key_of(int slot)
{
    return slots[slot].runtime == 0 ? 0x10000u + (lw_key)slot * BLOCK + HEADER
                                    : 5u + (lw_key)slot * 3;
}

static const void *block_of(int slot)
{
    return (const void *)(uintptr_t)(key_of(slot) - HEADER);
}

static void create(int slot)
{
    struct object *object = &slots[slot];
    object->lives = 1;
    object->type = below(TYPES - 1);
    object->rooted = below(8) > 0;
    object->size = 16u * (1 + (unsigned)below(3));
    object->serial = ++next_serial;
    object->recorded = object->runtime == 0 && below(5) > 0;
    object->site = below(SITES);
    if (!object->recorded)
        return;
    /* Two words read alike: two stacks may be one site. */
    uint64_t words[] = {1 + (uint64_t)object->site * 2 + (uint64_t)below(2), 99};
    lw_stack stack = {words, object->site == 0 ? 0 : object->site == 1 ? 1 : 2, 0, 0};
    lw_block_alloc(heap, block_of(slot), BLOCK, &stack);
}

static int describe(uint64_t word, lw_frame *frame, void *user)
{
    (void)user;
    frame->file = "heap.c";
    frame->line = (uint32_t)(word - 1) / 2;
    return 0;
}

static void destroy(int slot)
{
    slots[slot].lives = 0;
    if (slots[slot].recorded)
        lw_block_free(heap, block_of(slot));
}

static void live_on(void)
{
    for (int i = 0; i < SLOTS; i++) {
        if (slots[i].lives && below(4) == 0)
            destroy(i);
        if (!slots[i].lives && below(3) > 0)
            create(i);
        slots[i].rooted ^= below(10) == 0;
    }
}

static int enumerate(lw_sink *sink, void *user)
{
    int runtime = *(int *)user, first = below(SLOTS);
    uint32_t kind = lw_sink_root_kind(sink, "global", 0), ids[TYPES];
    for (int i = 0; i < TYPES; i++)
        ids[i] = lw_sink_type(sink, types[i].key, types[i].name, types[i].flags);
    for (int n = 0; n < SLOTS; n++) {
        int i = (first + n) % SLOTS;
        if (!slots[i].lives || slots[i].runtime != runtime)
            continue;
        lw_sink_node(sink, key_of(i), ids[slots[i].type], slots[i].size);
        if (slots[i].rooted)
            lw_sink_root(sink, key_of(i), kind, 0);
    }
    return 0;
}

/* ---- plain answers ---- */

static int held(const struct object *object)
{
    return object->lives && object->rooted;
}

/* Whether slot i holds the same object at both moments, as far as can be known. */
static int survives(int base, int target, int i)
{
    const struct object *a = &moments[base].slots[i], *b = &moments[target].slots[i];
    if (!held(a) || !held(b) || a->type != b->type)
        return 0;
    if (a->recorded || b->recorded)
        return a->serial == b->serial;
    return 1; /* another one at its address, also unrecorded, cannot be told from it */
}

static int approximate(int base, int target, int i)
{
    const struct object *later = &moments[base < target ? target : base].slots[i];
    return later->runtime == 1 || types[later->type].flags == LW_TYPE_FREELIST;
}

/* ---- the comparison ---- */

struct visit {
    int moment, count, wrong, base, target, set;
    const char *name;
};

static int see_node(lw_node node, void *user)
{
    struct visit *visit = user;
    lw_node_info info = LW_NODE_INFO_INIT;
    lw_node_info_get(moments[visit->moment].snapshot, node, &info, NULL);
    visit->count++;
    for (int i = 0; i < SLOTS; i++) {
        const struct object *object = &moments[visit->moment].slots[i];
        if (key_of(i) != info.key || strcmp(runtime_names[slots[i].runtime], info.runtime) != 0)
            continue;
        visit->wrong += !held(object) || strcmp(types[object->type].name, visit->name) != 0 ||
                        survives(visit->base, visit->target, i) != (visit->set == 2);
        return 0;
    }
    visit->wrong++;
    return 0;
}

static void check_row(const lw_diff *diff, uint32_t index, int base, int target)
{
    lw_diff_row row = LW_DIFF_ROW_INIT;
    long long before = 0, after = 0, stay = 0, size_before = 0, size_after = 0, unsure = 0;
    lw_diff_row_get(diff, index, &row, NULL);
    for (int i = 0; i < SLOTS; i++) {
        const struct object *a = &moments[base].slots[i], *b = &moments[target].slots[i];
        if (strcmp(runtime_names[slots[i].runtime], row.runtime) != 0)
            continue;
        int a_here = held(a) && strcmp(types[a->type].name, row.name) == 0;
        int b_here = held(b) && strcmp(types[b->type].name, row.name) == 0;
        before += a_here;
        after += b_here;
        size_before += a_here ? (long long)a->size : 0;
        size_after += b_here ? (long long)b->size : 0;
        stay += a_here && b_here && survives(base, target, i);
        unsure |= a_here && b_here && survives(base, target, i) && approximate(base, target, i);
    }
    expect((long long)row.base_count, before, "base_count", row.name);
    expect((long long)row.target_count, after, "target_count", row.name);
    expect(row.count_diff, after - before, "count_diff", row.name);
    expect(row.size_diff, size_after - size_before, "size_diff", row.name);
    expect((long long)row.base_size, size_before, "base_size", row.name);
    expect((long long)row.target_size, size_after, "target_size", row.name);
    expect((long long)row.survived, stay, "survived", row.name);
    expect((long long)row.created, after - stay, "created", row.name);
    expect((long long)row.gone, before - stay, "gone", row.name);
    expect(row.approximate, unsure, "approximate", row.name);
    expect(row.types, strcmp(row.name, "Map") == 0 ? 2 : 1, "types", row.name);
    for (int set = 0; set < 3; set++) {
        long long want = set == 0 ? after - stay : set == 1 ? before - stay : stay;
        struct visit visit = {set == 1 ? base : target, 0, 0, base, target, set, row.name};
        lw_diff_each(diff, index, set, see_node, &visit, NULL);
        expect(visit.count, want, "objects of a set", row.name);
        expect(visit.wrong, 0, "wrong objects of a set", row.name);
    }
}

/* ---- by site ---- */

enum { BEFORE = SITES, UNRECORDED, PLACES };

static int place_of(const struct object *object)
{
    return object->runtime == 1 ? UNRECORDED : object->recorded ? object->site : BEFORE;
}

static int site_place(const lw_diff *diff, uint32_t index, const lw_diff_site *site)
{
    lw_frame frame = LW_FRAME_INIT;
    if (site->flags & LW_SITE_BEFORE)
        return BEFORE;
    if (site->flags & LW_SITE_UNRECORDED)
        return UNRECORDED;
    if (site->frames == 0)
        return 0;
    lw_diff_site_frame_get(diff, index, 0, &frame, NULL);
    return (int)frame.line;
}

static int count_node(lw_node node, void *user)
{
    (void)node;
    ++*(int *)user;
    return 0;
}

static void check_site(const lw_diff *diff, uint32_t index, int base, int target, int *seen)
{
    lw_diff_site site = LW_DIFF_SITE_INIT;
    long long before = 0, after = 0, stay = 0, size = 0, bytes = 0, unsure = 0;
    lw_diff_site_get(diff, index, &site, NULL);
    int place = site_place(diff, index, &site);
    for (int i = 0; i < SLOTS; i++) {
        const struct object *a = &moments[base].slots[i], *b = &moments[target].slots[i];
        int a_here = held(a) && place_of(a) == place, b_here = held(b) && place_of(b) == place;
        before += a_here;
        after += b_here;
        size += (b_here ? (long long)b->size : 0) - (a_here ? (long long)a->size : 0);
        bytes += place < SITES ? (b_here - a_here) * BLOCK : 0;
        stay += b_here && survives(base, target, i);
        unsure |= (a_here && types[a->type].flags) || (b_here && types[b->type].flags) ||
                  (b_here && place == UNRECORDED && survives(base, target, i));
    }
    expect(++seen[place], 1, "times", "a site");
    expect((long long)site.base_count, before, "base_count", "a site");
    expect((long long)site.target_count, after, "target_count", "a site");
    expect(site.count_diff, after - before, "count_diff", "a site");
    expect(site.size_diff, size, "size_diff", "a site");
    expect(site.bytes_diff, bytes, "bytes_diff", "a site");
    expect((long long)site.survived, stay, "survived", "a site");
    expect((long long)site.created, after - stay, "created", "a site");
    expect((long long)site.gone, before - stay, "gone", "a site");
    expect(!!(site.flags & LW_SITE_APPROXIMATE), unsure, "approximate", "a site");
    for (int set = 0; set < 3; set++) {
        int count = 0;
        lw_diff_site_each(diff, index, set, count_node, &count, NULL);
        expect(count, set == 0 ? after - stay : set == 1 ? before - stay : stay, "objects",
               "a site");
    }
}

static void check_sites(const lw_diff *diff, int base, int target)
{
    int seen[PLACES] = {0}, used[PLACES] = {0}, places = 0;
    int64_t last = INT64_MAX;
    for (uint32_t i = 0; i < lw_diff_site_count(diff); i++) {
        lw_diff_site site = LW_DIFF_SITE_INIT;
        check_site(diff, i, base, target, seen);
        lw_diff_site_get(diff, i, &site, NULL);
        expect(site.bytes_diff <= last, 1, "order", "sites");
        last = site.bytes_diff;
    }
    for (int i = 0; i < SLOTS; i++) {
        const struct object *both[] = {&moments[base].slots[i], &moments[target].slots[i]};
        for (int j = 0; j < 2; j++)
            places += held(both[j]) && !used[place_of(both[j])]++;
    }
    expect(lw_diff_site_count(diff), places, "number", "sites");
}

/* ---- what stayed ---- */

static int is_created(int target, int i)
{
    return held(&moments[target].slots[i]) && !survives(0, target, i);
}

static int has_stayed(int target, int i)
{
    int stayed = is_created(target, i);
    for (int at = target; at + 1 < MOMENTS; at++)
        stayed = stayed && survives(at, at + 1, i);
    return stayed;
}

static void check_series_row(const lw_series *series, uint32_t index, int target)
{
    lw_series_row row = LW_SERIES_ROW_INIT;
    long long created = 0, stayed = 0, size = 0, unsure = 0;
    int visited = 0;
    lw_series_row_get(series, index, &row, NULL);
    for (int i = 0; i < SLOTS; i++) {
        const struct object *object = &moments[target].slots[i];
        if (strcmp(runtime_names[slots[i].runtime], row.runtime) != 0 || !is_created(target, i) ||
            strcmp(types[object->type].name, row.name) != 0)
            continue;
        created++;
        stayed += has_stayed(target, i);
        size += has_stayed(target, i) ? (long long)moments[MOMENTS - 1].slots[i].size : 0;
        unsure |= has_stayed(target, i) && approximate(target, MOMENTS - 1, i);
    }
    lw_series_each(series, index, count_node, &visited, NULL);
    expect((long long)row.created, created, "created", row.name);
    expect((long long)row.count, stayed, "count that stayed", row.name);
    expect((long long)row.size, size, "size that stayed", row.name);
    expect(row.approximate, unsure, "approximate of what stayed", row.name);
    expect(visited, stayed, "objects that stayed", row.name);
}

static void check_series(int target)
{
    lw_snapshot *all[MOMENTS];
    lw_series *series = NULL;
    lw_series_options options = LW_SERIES_OPTIONS_INIT;
    lw_series_info info = LW_SERIES_INFO_INIT;
    long long created = 0, stayed = 0;
    int visited = 0;
    for (int i = 0; i < MOMENTS; i++)
        all[i] = moments[i].snapshot;
    options.target = (uint32_t)target;
    lw_series_create(all, MOMENTS, &options, &series, NULL);
    lw_series_info_get(series, &info, NULL);
    for (int i = 0; i < SLOTS; i++) {
        created += is_created(target, i);
        stayed += has_stayed(target, i);
    }
    expect((long long)info.created, created, "created", "series");
    expect((long long)info.count, stayed, "count", "series");
    for (uint32_t i = 0; i < info.rows; i++) {
        lw_series_row row = LW_SERIES_ROW_INIT, next = LW_SERIES_ROW_INIT;
        check_series_row(series, i, target);
        lw_series_row_get(series, i, &row, NULL);
        if (lw_series_row_get(series, i + 1, &next, NULL) == LW_OK)
            expect(row.size >= next.size, 1, "order", "series");
    }
    lw_series_each(series, LW_SERIES_ALL, count_node, &visited, NULL);
    expect(visited, stayed, "objects", "series");
    lw_series_release(series);
}

static int in_order(const lw_diff_row *a, const lw_diff_row *b)
{
    if (a->size_diff != b->size_diff)
        return a->size_diff > b->size_diff;
    if (a->count_diff != b->count_diff)
        return a->count_diff > b->count_diff;
    int order = strcmp(a->name, b->name);
    return order ? order < 0 : strcmp(a->runtime, b->runtime) < 0;
}

static void check_diff(int base, int target)
{
    lw_diff *diff = NULL, *back = NULL;
    lw_diff_info info = LW_DIFF_INFO_INIT, back_info = LW_DIFF_INFO_INIT;
    lw_diff_row last = LW_DIFF_ROW_INIT, row = LW_DIFF_ROW_INIT;
    long long garbage = 0;
    lw_diff_create(moments[base].snapshot, moments[target].snapshot, &diff, NULL);
    lw_diff_create(moments[target].snapshot, moments[base].snapshot, &back, NULL);
    lw_diff_info_get(diff, &info, NULL);
    lw_diff_info_get(back, &back_info, NULL);
    expect(info.rows, 2 * (TYPES - 1), "rows", "diff");
    for (uint32_t i = 0; i < info.rows; i++) {
        check_row(diff, i, base, target);
        lw_diff_row_get(diff, i, &row, NULL);
        expect(i == 0 || in_order(&last, &row), 1, "order", row.name);
        last = row;
    }
    check_sites(diff, base, target);
    for (int i = 0; i < SLOTS; i++)
        garbage += moments[target].slots[i].lives && !moments[target].slots[i].rooted;
    expect((long long)info.target_garbage, garbage, "target_garbage", "diff");
    expect(info.count_diff, -back_info.count_diff, "count_diff", "the way back");
    expect(info.size_diff, -back_info.size_diff, "size_diff", "the way back");
    expect((long long)info.created, (long long)back_info.gone, "created", "the way back");
    expect((long long)info.gone, (long long)back_info.created, "gone", "the way back");
    expect((long long)info.survived, (long long)back_info.survived, "survived", "the way back");
    if (base == target)
        expect((long long)(info.created + info.gone + info.grew), 0, "changes", "itself");
    lw_diff_release(back);
    lw_diff_release(diff);
}

/* ---- a history ---- */

static void plug_in(void)
{
    static int numbers[] = {0, 1};
    lw_domain_options domain = LW_DOMAIN_OPTIONS_INIT;
    lw_runtime *runtime;
    domain.name = "heap";
    domain.describe_frame = describe;
    lw_context_create(NULL, &context, NULL);
    lw_domain_create(context, &domain, &heap, NULL);
    for (int i = 0; i < 2; i++) {
        lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
        options.name = runtime_names[i];
        options.key_kind = i == 0 ? LW_KEY_ADDRESS : LW_KEY_OPAQUE;
        options.enumerate = enumerate;
        options.user = &numbers[i];
        options.domains = &heap;
        options.domain_count = i == 0;
        lw_runtime_create(context, &options, &runtime, NULL);
    }
}

int main(int argc, char **argv)
{
    unsigned long histories =
        argc > 1 ? strtoul(argv[1], NULL, 0) : getenv("LW_TEST_ALL") ? 5000 : 1000;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    for (current = first; current < first + histories && failures == 0; current++) {
        seed = current * 0x9e3779b97f4a7c15u + 1;
        memset(slots, 0, sizeof slots);
        for (int i = 0; i < SLOTS; i++)
            slots[i].runtime = i % 3 == 2;
        plug_in();
        for (int i = 0; i < MOMENTS; i++) {
            live_on();
            memcpy(moments[i].slots, slots, sizeof slots);
            lw_snapshot_take(context, NULL, &moments[i].snapshot, NULL);
        }
        lw_context_release(context); /* the snapshots do not mind */
        for (int base = 0; base < MOMENTS; base++) {
            for (int target = base; target < MOMENTS; target++)
                check_diff(base, target);
        }
        for (int target = 1; target + 1 < MOMENTS; target++)
            check_series(target);
        for (int i = 0; i < MOMENTS; i++)
            lw_snapshot_release(moments[i].snapshot);
    }
    printf("%lu random histories, %lu failures\n", histories, failures);
    return failures != 0;
}
