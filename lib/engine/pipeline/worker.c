/* worker.c - the loop that everything runs in: pull a batch, push it down, look at the clock of
 * others.
 *
 *   source.next -> link -> stream.push -> link -> ... -> link -> sink.sink
 *
 * A link is the downstream of the operator before it; it counts rows and calls the next operator.
 * Each worker has its own cursor, stream and sink states, so that threads meet only inside
 * operators (shared morsels, combine).  Width 1 starts no thread.
 *
 * Invariant: whatever was opened is closed, in reverse order, also after an error.
 */
#include "lib/engine/pipeline/worker.h"

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/engine/pipeline/task_state.h"

typedef struct group { /* the workers of one run */
    gly_task_state *task;
    const gly_pipeline *pipeline;
    atomic_bool failed;
    pthread_mutex_t lock;
    gly_error error; /* the first one */
    uint64_t cpu_ns; /* of the threads that were started */
} group;

typedef struct link {
    const gly_operator *op;
    gly_op_node *from; /* whose rows pass here */
    void *local;       /* op's */
    uint64_t rows;
    bool is_sink;
} link;

typedef struct worker {
    group *group;
    gly_worker base;
    pthread_t thread;
    void *source;
    link *links;     /* stream_count + 1; the last leads to the sink */
    uint32_t opened; /* links opened so far, from the last */
} worker;

static gly_status pass(void *context, const gly_batch *batch, gly_error *err) {
    link *to = context;
    to->rows += batch->selected;
    return to->is_sink ? to->op->sink(to->local, batch, err) : to->op->push(to->local, batch, err);
}

static gly_status open_all(worker *self, gly_error *err) {
    const gly_pipeline *pipeline = self->group->pipeline;
    uint32_t count = pipeline->stream_count;
    link *last = &self->links[count];
    *last = (link){.op = pipeline->sink->op, .is_sink = true};
    last->from = count == 0 ? pipeline->source : pipeline->streams[count - 1];
    GLY_TRY(last->op->open_sink(pipeline->sink, &self->base, &last->local, err));
    self->opened = 1;
    for (uint32_t i = count; i-- > 0;) {
        link *here = &self->links[i];
        *here = (link){.op = pipeline->streams[i]->op};
        here->from = i == 0 ? pipeline->source : pipeline->streams[i - 1];
        gly_downstream next = {pass, &self->links[i + 1]};
        GLY_TRY(here->op->open_stream(pipeline->streams[i], &self->base, next, &here->local, err));
        self->opened++;
    }
    return pipeline->source->op->open_source(pipeline->source, &self->base, &self->source, err);
}

static gly_status pump(worker *self, gly_error *err) {
    const gly_operator *source = self->group->pipeline->source->op;
    gly_downstream first = {pass, &self->links[0]};
    while (!self->base.stop && !atomic_load_explicit(&self->group->failed, memory_order_relaxed)) {
        GLY_TRY(gly_task_state_check(self->group->task, err));
        gly_arena_reset(self->base.scratch);
        const gly_batch *batch;
        GLY_TRY(source->next(self->source, &batch, err));
        if (batch == NULL) {
            break;
        }
        GLY_TRY(gly_downstream_push(&first, batch, err));
    }
    return GLY_OK;
}

static gly_status finish_all(worker *self, gly_error *err) {
    uint32_t count = self->group->pipeline->stream_count;
    for (uint32_t i = 0; i < count; i++) {
        link *here = &self->links[i];
        if (here->op->flush != NULL) {
            gly_arena_reset(self->base.scratch);
            GLY_TRY(here->op->flush(here->local, err));
        }
    }
    link *last = &self->links[count];
    gly_arena_reset(self->base.scratch);
    return last->op->finish == NULL ? GLY_OK : last->op->finish(last->local, err);
}

static void close_all(worker *self) {
    const gly_pipeline *pipeline = self->group->pipeline;
    if (self->source != NULL && pipeline->source->op->close_source != NULL) {
        pipeline->source->op->close_source(self->source);
    }
    uint32_t count = pipeline->stream_count;
    for (uint32_t i = count + 1 - self->opened; i <= count; i++) {
        link *here = &self->links[i];
        void (*close)(void *) = here->is_sink ? here->op->close_sink : here->op->close_stream;
        if (close != NULL) {
            close(here->local);
        }
        atomic_fetch_add(&here->from->rows_out, here->rows);
    }
}

static gly_status run_one(worker *self, gly_error *err) {
    GLY_TRY(open_all(self, err));
    GLY_TRY(pump(self, err));
    if (atomic_load(&self->group->failed)) {
        return GLY_OK; /* the other worker has the error */
    }
    return finish_all(self, err);
}

static void run(worker *self) {
    gly_error err = {0};
    self->base.scratch = gly_arena_make();
    self->links = GLY_NEW_ARRAY(link, self->group->pipeline->stream_count + 1);
    gly_status status = run_one(self, &err);
    if (status != GLY_OK) {
        pthread_mutex_lock(&self->group->lock);
        if (!atomic_load(&self->group->failed)) {
            self->group->error = err;
            self->group->error.status = status;
            atomic_store(&self->group->failed, true);
        }
        pthread_mutex_unlock(&self->group->lock);
    }
    close_all(self);
    free(self->links);
    gly_arena_free(self->base.scratch);
}

static void *thread_main(void *context) {
    worker *self = context;
    run(self);
    uint64_t cpu_ns = (uint64_t)gly_clock_cpu_ns();
    pthread_mutex_lock(&self->group->lock);
    self->group->cpu_ns += cpu_ns;
    pthread_mutex_unlock(&self->group->lock);
    return NULL;
}

static bool is_deterministic(const gly_op_node *node) {
    const gly_physical *plan = node->plan;
    if (plan->kind == GLY_PHYSICAL_FILTER) {
        return gly_expr_is_deterministic(plan->filter.condition);
    }
    for (uint32_t i = 0; plan->kind == GLY_PHYSICAL_PROJECT && i < plan->schema.field_count; i++) {
        if (!gly_expr_is_deterministic(plan->project.exprs[i])) {
            return false;
        }
    }
    return true;
}

/* Sorted rows leave in order, and rand() and row numbers count per task: one worker each. */
static uint32_t usable_width(const gly_task_state *task, const gly_pipeline *pipeline) {
    gly_physical_kind source = pipeline->source->plan->kind;
    if (source == GLY_PHYSICAL_SORT || source == GLY_PHYSICAL_TOPN) {
        return 1;
    }
    for (uint32_t i = 0; i < pipeline->stream_count; i++) {
        if (!is_deterministic(pipeline->streams[i])) {
            return 1;
        }
    }
    return GLY_MAX(task->spec->width, 1u);
}

gly_status gly_worker_run(gly_task_state *task, const gly_pipeline *pipeline, gly_error *err) {
    uint32_t width = usable_width(task, pipeline);
    group all = {.task = task, .pipeline = pipeline};
    pthread_mutex_init(&all.lock, NULL);
    atomic_init(&all.failed, false);
    worker *workers = GLY_NEW_ARRAY(worker, width);
    uint32_t started = 1;
    for (uint32_t w = 0; w < width; w++) {
        workers[w].group = &all;
        workers[w].base = (gly_worker){.task = task, .index = w};
    }
    while (started < width &&
           pthread_create(&workers[started].thread, NULL, thread_main, &workers[started]) == 0) {
        started++; /* no thread to be had: fewer workers do the same */
    }
    run(&workers[0]);
    for (uint32_t w = 1; w < started; w++) {
        pthread_join(workers[w].thread, NULL);
    }
    free(workers);
    pthread_mutex_destroy(&all.lock);
    task->result->metrics.cpu_ns += all.cpu_ns;
    return atomic_load(&all.failed) ? gly_error_copy(err, &all.error) : GLY_OK;
}
