/* tocha: a deep learning engine. This is the only header a program includes.
 *
 * The model in one page
 * ---------------------
 * A tensor is a view (sizes, strides, offset) on a reference-counted storage. Tensors are made by tch_tensor_* and by ops,
 * and given back with tch_tensor_release. Every function that can fail returns a tch_status and writes its result through
 * its last pointers; after a failure tch_error() holds one sentence about it, and no argument has changed.
 *
 * The result pointer of an op is an argument and a result: set to NULL before the call it receives a new tensor that the
 * caller owns; set to a tensor, that tensor is resized and written (which is how an op works in place).
 *
 *     int64_t size[] = {2, 3};
 *     tch_tensor *x = NULL, *y = NULL, *s = NULL;
 *     if (tch_tensor_new(TCH_FLOAT, 2, size, &x) == TCH_OK && tch_tensor_fill(x, 2) == TCH_OK
 *         && tch_requires_grad(x, true) == TCH_OK
 *         && tch_square(x, &y) == TCH_OK && tch_sum(y, NULL, 0, false, &s) == TCH_OK
 *         && tch_backward(s, NULL, 0) == TCH_OK) {
 *         tch_tensor *g = tch_grad(x);               // borrowed: six fours
 *     } else fprintf(stderr, "%s\n", tch_error());
 *     tch_tensor_release(s); tch_tensor_release(y); tch_tensor_release(x);
 *
 * When an input of an op requires a gradient (and gradients are on), the op makes a node that its outputs own. tch_backward
 * walks those nodes and adds to the gradients of the leaves.
 *
 * Dimensions and indices count from 0 in C. Sizes are int64_t. A tensor without shape (tch_tensor_empty) has no dimensions
 * and no elements; a scalar tensor has no dimensions and one element.
 *
 * Threads: a tensor may be read from several threads and its count is atomic; writing while another thread reads is the
 * caller's mistake. The error sentence, gradient mode and default generator belong to the thread.
 */
#ifndef TOCHA_H
#define TOCHA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TCH_API __attribute__((visibility("default")))
#else
#define TCH_API
#endif

#define TCH_MAX_DIMS 16

#ifdef __cplusplus
extern "C" {
#endif

/* The build cuts the text between the two markers into the Lua binding: enums, opaque types and prototypes only. */
/* cdef begin */
enum { TCH_ABI = 1 };

typedef enum tch_status {
  TCH_OK = 0,
  TCH_ERROR_SHAPE,  /* sizes or dimensions do not fit */
  TCH_ERROR_TYPE,   /* a data type does not fit */
  TCH_ERROR_VALUE,  /* an argument is out of its range */
  TCH_ERROR_STATE,  /* the object cannot do this now (history, in-place rules, shared storage) */
  TCH_ERROR_MEMORY, /* the allocation failed; nothing changed */
  TCH_ERROR_IO      /* a file is missing, truncated, foreign or cannot be written */
} tch_status;

typedef enum tch_dtype {
  TCH_BYTE, TCH_CHAR, TCH_SHORT, TCH_INT, TCH_LONG, TCH_FLOAT, TCH_DOUBLE,
  TCH_HALF, TCH_BFLOAT16, /* IEEE binary16 and the upper half of a float: stored, moved and cast, not computed with */
  TCH_DTYPE_COUNT
} tch_dtype;

typedef struct tch_tensor tch_tensor;
typedef struct tch_storage tch_storage;
typedef struct tch_random tch_random; /* a random generator */
typedef struct tch_pass tch_pass;     /* a backward pass under way */
typedef struct tch_node tch_node;     /* what the tape remembers of one op */
typedef struct tch_file tch_file;     /* a file being written */
typedef struct tch_zip tch_zip;       /* a ZIP archive being written */
typedef struct tch_unzip tch_unzip;   /* a ZIP archive being read */
typedef struct tch_loader tch_loader; /* batches made by threads */
typedef struct tch_vec tch_vec;       /* what several Lua states may share: values by number, */
typedef struct tch_hash tch_hash;     /* values by key, */
typedef struct tch_counter tch_counter;
typedef struct tch_mutex tch_mutex;
typedef struct tch_condition tch_condition;
typedef struct tch_plan tch_plan;     /* a network in the order of its steps, prepared for inference */
typedef struct tch_text tch_text;     /* a string that a collection gave */

/* -- process ---------------------------------------------------------------------------------------------------- */

TCH_API int tch_abi(void);
TCH_API const char *tch_error(void);             /* sentence of this thread's last failure */
TCH_API const char *tch_cpu_name(void);          /* instruction set in use: "baseline", "avx2", "avx512" */
/* Seconds: a monotonic clock, and what the process has spent in itself and in the system. */
TCH_API void tch_clock(double *real, double *user, double *system);
TCH_API int tch_threads(void);
TCH_API int tch_host_cores(void); /* physical cores that the process may run on, at least 1 */
TCH_API tch_status tch_set_threads(int n);       /* 1 to 256 */
/* For a thread beside the main one: from now on the two functions above speak of this thread alone, which with one thread keeps
 * off the pool. */
TCH_API void tch_be_guest(void);

/* Operations of products (two for a multiply-add) and bytes that ops, copies and optimizers read and write: totals of what ran
 * while somebody watched. Every watch(true) is followed by a watch(false). */
TCH_API void tch_work_watch(bool on);
TCH_API void tch_work_done(double *operations, double *bytes);

TCH_API int64_t tch_memory_used(void);           /* bytes held by live storages */
TCH_API int64_t tch_memory_cached(void);         /* bytes kept for reuse */
TCH_API int64_t tch_memory_peak(void);
TCH_API void tch_memory_trim(void);              /* gives cached blocks back to the system */
TCH_API void tch_memory_fail_after(int64_t n);   /* test aid: the n-th allocation from now fails (n >= 1); 0 turns it off */

/* -- storage ---------------------------------------------------------------------------------------------------- */

TCH_API tch_status tch_storage_new(tch_dtype type, int64_t count, tch_storage **out); /* contents undefined */
/* Elements on memory that is not the storage's own; such a storage cannot be resized. */
TCH_API tch_status tch_storage_view(tch_storage *s, tch_dtype type, int64_t offset, int64_t count,
                                    tch_storage **out);              /* of s, from byte `offset` on; s cannot be resized then */
TCH_API tch_status tch_storage_at(tch_dtype type, int64_t count, void *address, tch_storage **out); /* the caller keeps the memory */
TCH_API tch_status tch_storage_map(tch_dtype type, const char *path, int64_t count, bool shared, bool memory,
                                   tch_storage **out);               /* of a file; see below, files */
TCH_API void tch_storage_retain(tch_storage *s);
TCH_API void tch_storage_release(tch_storage *s);
TCH_API tch_status tch_storage_resize(tch_storage *s, int64_t count); /* keeps contents up to the smaller count */
TCH_API int64_t tch_storage_count(const tch_storage *s);
TCH_API tch_dtype tch_storage_dtype(const tch_storage *s);
TCH_API void *tch_storage_data(tch_storage *s);

/* -- tensor: life and shape ------------------------------------------------------------------------------------- */

TCH_API tch_status tch_tensor_empty(tch_dtype type, tch_tensor **out);
TCH_API tch_status tch_tensor_new(tch_dtype type, int ndim, const int64_t *size, tch_tensor **out); /* contents undefined */
TCH_API tch_status tch_tensor_view_of(tch_storage *s, int64_t offset, int ndim, const int64_t *size, const int64_t *stride,
                                      tch_tensor **out); /* stride NULL: contiguous; retains s; bounds are checked */
TCH_API tch_status tch_tensor_row(const tch_tensor *t, int64_t index, tch_tensor **out); /* t[index], without history */
TCH_API void tch_tensor_retain(tch_tensor *t);
TCH_API void tch_tensor_release(tch_tensor *t);  /* NULL is fine */
TCH_API void tch_tensor_free(tch_tensor *t);     /* drops storage and history now; t stays a valid empty tensor */
TCH_API tch_status tch_tensor_set(tch_tensor *t, const tch_tensor *from); /* t becomes another view of from's storage */
TCH_API tch_status tch_tensor_set_storage(tch_tensor *t, tch_storage *s, int64_t offset, int ndim, const int64_t *size,
                                          const int64_t *stride);
TCH_API tch_status tch_tensor_resize(tch_tensor *t, int ndim, const int64_t *size, const int64_t *stride);

TCH_API tch_dtype tch_tensor_dtype(const tch_tensor *t);
TCH_API int tch_tensor_dim(const tch_tensor *t);
TCH_API int64_t tch_tensor_size(const tch_tensor *t, int dim);
TCH_API int64_t tch_tensor_stride(const tch_tensor *t, int dim);
TCH_API int64_t tch_tensor_offset(const tch_tensor *t);
TCH_API int64_t tch_tensor_count(const tch_tensor *t);          /* number of elements */
TCH_API bool tch_tensor_contiguous(const tch_tensor *t);
TCH_API bool tch_tensor_same_size(const tch_tensor *a, const tch_tensor *b);
TCH_API bool tch_tensor_same_view(const tch_tensor *a, const tch_tensor *b); /* storage, offset, sizes and strides agree */
TCH_API tch_storage *tch_tensor_storage(const tch_tensor *t);   /* borrowed; NULL when empty */
TCH_API void *tch_tensor_data(const tch_tensor *t);             /* address of the first element; NULL when empty */

/* -- tensor: elements and copies -------------------------------------------------------------------------------- */

TCH_API tch_status tch_tensor_fill(tch_tensor *t, double value);
TCH_API tch_status tch_tensor_copy(tch_tensor *to, const tch_tensor *from); /* equal counts; casts */
TCH_API tch_status tch_tensor_get(const tch_tensor *t, int n, const int64_t *index, double *out); /* a NaN as below */
TCH_API tch_status tch_tensor_put(tch_tensor *t, int n, const int64_t *index, double value);
/* A number at an index, its NaN the ordinary one: LuaJIT takes other bit patterns of a NaN for references to objects. */
TCH_API double tch_float_at(const float *data, int64_t i);
TCH_API double tch_double_at(const double *data, int64_t i);
TCH_API double tch_half_at(const uint16_t *data, int64_t i);
TCH_API double tch_bfloat16_at(const uint16_t *data, int64_t i);
TCH_API uint16_t tch_half_bits(double value);                    /* to the nearest, ties to even */
TCH_API uint16_t tch_bfloat16_bits(double value);

/* -- random: a generator NULL stands for the default one --------------------------------------------------------- */

TCH_API tch_status tch_random_new(uint64_t seed, tch_random **out);
TCH_API void tch_random_release(tch_random *r);                  /* NULL and the default one are left alone */
TCH_API tch_random *tch_random_default(void);                    /* borrowed; this thread's generator */
TCH_API uint64_t tch_random_entropy(void);                       /* a seed that nobody can foresee, below 2^32 */
TCH_API void tch_random_seed(tch_random *r, uint64_t seed);
TCH_API uint64_t tch_random_initial_seed(const tch_random *r);
TCH_API uint32_t tch_random_next(tch_random *r);                 /* 32 random bits */
TCH_API double tch_random_uniform(tch_random *r, double a, double b);
TCH_API double tch_random_normal(tch_random *r, double mean, double deviation);
TCH_API double tch_random_exponential(tch_random *r, double rate);
TCH_API double tch_random_cauchy(tch_random *r, double median, double width);
TCH_API double tch_random_log_normal(tch_random *r, double mean, double deviation); /* of the logarithm */
TCH_API double tch_random_geometric(tch_random *r, double p);    /* 1, 2, ...: Torch7's law, p is the chance to go on */
TCH_API bool tch_random_bernoulli(tch_random *r, double p);
TCH_API int64_t tch_random_range(tch_random *r, int64_t a, int64_t b); /* a..b; a if the range is empty */
TCH_API int64_t tch_random_state_size(void);                     /* bytes of a saved state */
TCH_API void tch_random_save(const tch_random *r, void *state);
TCH_API tch_status tch_random_restore(tch_random *r, const void *state, int64_t bytes);
TCH_API tch_status tch_tensor_uniform(tch_tensor *t, double a, double b, tch_random *r);     /* r NULL: the default one */
TCH_API tch_status tch_tensor_normal(tch_tensor *t, double mean, double deviation, tch_random *r);
TCH_API tch_status tch_tensor_bernoulli(tch_tensor *t, double p, tch_random *r);
TCH_API tch_status tch_tensor_bernoulli_of(tch_tensor *t, const tch_tensor *p, tch_random *r); /* a chance for each element */
TCH_API tch_status tch_tensor_exponential(tch_tensor *t, double rate, tch_random *r);
TCH_API tch_status tch_tensor_cauchy(tch_tensor *t, double median, double width, tch_random *r);
TCH_API tch_status tch_tensor_log_normal(tch_tensor *t, double mean, double deviation, tch_random *r);
TCH_API tch_status tch_tensor_geometric(tch_tensor *t, double p, tch_random *r);
TCH_API tch_status tch_tensor_random(tch_tensor *t, int64_t a, int64_t b, tch_random *r);    /* integers a..b */
TCH_API tch_status tch_tensor_random_any(tch_tensor *t, tch_random *r); /* integers from 0 as far as the type is exact, < 2^32 */
TCH_API tch_status tch_tensor_randperm(tch_tensor *t, int64_t n, int64_t first, tch_random *r); /* first, ..., first+n-1 */
/* Samples of rows of weights: t (Long) becomes (picks) for weights (n), (rows, picks) for (rows, n); numbers from `first`. */
TCH_API tch_status tch_tensor_multinomial(tch_tensor *t, const tch_tensor *weights, int64_t picks, bool replace, int64_t first,
                                          tch_random *r);

/* -- autograd --------------------------------------------------------------------------------------------------- */

TCH_API bool tch_grad_enabled(void);
TCH_API void tch_set_grad_enabled(bool on);
TCH_API tch_status tch_requires_grad(tch_tensor *t, bool on);    /* makes t a leaf of the tape, or frees it */
/* A number that grows with each write to elements of t from its first call on; writes by raw pointers, and to storages that cross
 * from one Lua state to another, are not seen. */
TCH_API uint64_t tch_tensor_version(tch_tensor *t);
TCH_API bool tch_needs_grad(const tch_tensor *t);                /* t is a leaf or the result of recorded ops */
TCH_API bool tch_is_leaf(const tch_tensor *t);
TCH_API tch_tensor *tch_grad(const tch_tensor *t);               /* borrowed; NULL when there is none */
TCH_API tch_status tch_set_grad(tch_tensor *t, tch_tensor *g);   /* NULL clears */
TCH_API tch_status tch_detach(tch_tensor *t, tch_tensor **out);  /* same storage, no history */
TCH_API void tch_forget(tch_tensor *t);                          /* drops the history of a result; its numbers stay */
TCH_API tch_status tch_parameter(tch_tensor *t, tch_tensor *grad, tch_tensor **out); /* alias of t that is a leaf whose
                                                                     gradient is added into grad; becomes t's gradient too */

enum { TCH_RETAIN_GRAPH = 1, TCH_CREATE_GRAPH = 2, TCH_ALLOW_UNUSED = 4, TCH_OFF_TAPE = 8 };
TCH_API tch_status tch_backward(tch_tensor *y, tch_tensor *grad, int flags); /* grad NULL: y has one element */
/* Gradients of ys towards xs without touching their grad: out[i] new tensors, NULL for an unused x if that is allowed. */
TCH_API tch_status tch_gradients(tch_tensor *const *ys, tch_tensor *const *gys, int ny, tch_tensor *const *xs, int nx, int flags,
                                 tch_tensor **out);

/* The same in steps, for nodes that the host language computes: tch_pass_run returns with *node set to NULL when the pass
 * is done, or to a host node (borrowed) whose output gradients tch_pass_grad gives and whose input gradients tch_pass_give
 * takes before the next run. xs NULL: gradients go to the leaves; otherwise tch_pass_result gives them. */
TCH_API tch_status tch_pass_new(tch_tensor *const *ys, tch_tensor *const *gys, int ny, tch_tensor *const *xs, int nx, int flags,
                                tch_pass **out);
TCH_API tch_status tch_pass_run(tch_pass *p, tch_node **node);
TCH_API tch_status tch_pass_grad(tch_pass *p, int output, tch_tensor **out);  /* new reference; NULL if none came */
TCH_API tch_status tch_pass_give(tch_pass *p, int input, tch_tensor *grad);   /* grad NULL: no gradient */
TCH_API bool tch_pass_wants(const tch_pass *p, int input);
TCH_API tch_status tch_pass_result(tch_pass *p, int x, tch_tensor **out);
TCH_API void tch_pass_free(tch_pass *p);                         /* also in the middle */
/* Puts outputs (fresh tensors without history) on the tape as results of a host node with the given id. */
TCH_API tch_status tch_host_node(int64_t id, const char *name, tch_tensor *const *ins, int nin, tch_tensor *const *outs, int nout);
TCH_API int64_t tch_node_host_id(const tch_node *n);             /* 0: not a host node */
TCH_API int64_t tch_host_released(void);                         /* id of a host node that is gone, 0 when none waits */

/* -- optimizers: one pass over a parameter vector x with gradient g ------------------------------------------------
 * Contiguous, of one floating type and count; state vectors start as zeros. decay: an L2 penalty, g + decay * x. */

/* velocity NULL: no momentum. first: this step starts the velocity. */
TCH_API tch_status tch_sgd_step(tch_tensor *x, tch_tensor *g, tch_tensor *velocity, double rate, double decay, double momentum,
                                double dampening, bool nesterov, bool first);
/* t counts the steps from 1. decoupled: AdamW's decay, and epsilon after the bias correction as in the paper; otherwise
 * before it, as Torch7's optim.adam. */
TCH_API tch_status tch_adam_step(tch_tensor *x, tch_tensor *g, tch_tensor *m, tch_tensor *v, int64_t t, double rate, double beta1,
                                 double beta2, double epsilon, double decay, bool decoupled);
TCH_API tch_status tch_rmsprop_step(tch_tensor *x, tch_tensor *g, tch_tensor *square, double rate, double alpha, double epsilon,
                                    double decay);
TCH_API tch_status tch_adagrad_step(tch_tensor *x, tch_tensor *g, tch_tensor *square, double rate, double epsilon, double decay);
TCH_API tch_status tch_adadelta_step(tch_tensor *x, tch_tensor *g, tch_tensor *square, tch_tensor *delta, double rate, double rho,
                                     double epsilon, double decay);
TCH_API tch_status tch_approach(tch_tensor *x, tch_tensor *target, double share); /* x += share * (target - x) */
/* -- files ------------------------------------------------------------------------------------------------------ */

/* A file that appears whole or not at all: it is written aside, and commit flushes it to the disk and gives it its name, so
 * that a failure or a kill leaves the file that was there. What is no regular file (a device, a pipe) is written in place. */
TCH_API tch_status tch_file_create(const char *path, tch_file **out);
TCH_API tch_status tch_file_write(tch_file *f, const void *bytes, int64_t count);
TCH_API tch_status tch_file_commit(tch_file *f);                 /* frees f, after a failure too */
TCH_API void tch_file_discard(tch_file *f);                      /* frees f; the file that was there stays. NULL is fine */

/* ZIP archives, stored or deflated. tch_unzip_next gives the next entry: its name, good until the next call, and its contents as
 * a ByteTensor; after the last one *name is NULL. Writing: begin an entry, write its bytes; commit as for files. */
TCH_API tch_status tch_unzip_open(const char *path, tch_unzip **out);
TCH_API tch_status tch_unzip_next(tch_unzip *z, const char **name, tch_tensor **bytes);
TCH_API void tch_unzip_close(tch_unzip *z);                      /* NULL is fine */
TCH_API tch_status tch_zip_create(const char *path, tch_zip **out);
TCH_API tch_status tch_zip_begin(tch_zip *z, const char *name, bool compress);
TCH_API tch_status tch_zip_write(tch_zip *z, const void *bytes, int64_t count);
TCH_API tch_status tch_zip_commit(tch_zip *z);                   /* frees z, after a failure too */
TCH_API void tch_zip_discard(tch_zip *z);                        /* frees z; the file that was there stays. NULL is fine */

/* tch_storage_map: count -1 takes the whole file. Not shared: the file is only read and writes stay here. Shared: writes go to
 * the file, which is made and grown at need; with `memory` path is the name of a POSIX shared memory object, which the storage
 * unlinks when it goes. A mapped file that others cut shorter takes the process down when it is read: that is the system's way. */
TCH_API tch_status tch_idx_read(const char *path, tch_tensor **out);        /* an IDX file, gzipped or not */
TCH_API tch_status tch_file_read(const char *path, tch_tensor **out);       /* its bytes */

/* -- pictures: JPEG, PNG, and PPM or PGM, told apart by their first bytes ------------------------------------------ */

enum { TCH_JPEG, TCH_PNG, TCH_PNM };
/* Planes (C,H,W) of a file's bytes. type TCH_BYTE: 0..255; TCH_FLOAT and TCH_DOUBLE: 0..1. planes: 0 those of the file, 1
 * luminance, 3 red, green, blue. side: a JPEG may come reduced by 2, 4 or 8 as long as both sides are at least this; 0: it may
 * not. upright: turned as its orientation tag says. */
TCH_API tch_status tch_image_decode(tch_tensor *bytes, tch_dtype type, int planes, int64_t side, bool upright, tch_tensor **out);
TCH_API tch_status tch_image_size(tch_tensor *bytes, int *format, int64_t *size); /* size: channels, height, width, bits */
/* A file's bytes from (H,W), (1,H,W) or (3,H,W), in PNG (4,H,W): bytes, or floats of which 1 is white. quality: of a JPEG. */
TCH_API tch_status tch_image_encode(tch_tensor *image, int format, int quality, tch_tensor **out);
/* Bytes (N,3,H,W) as a moving GIF; delay: hundredths of a second between frames. */
TCH_API tch_status tch_gif_encode(tch_tensor *frames, int delay, tch_tensor **out);

/* What follows takes pictures (H,W) or (C,H,W) of bytes, floats or doubles and gives a new one of the same type. Bytes are
 * rounded and cut. */

typedef enum tch_resize {
  TCH_RESIZE_SIMPLE,   /* the pixel at the corner of the target's, as Torch7's "simple" */
  TCH_RESIZE_BILINEAR, /* Torch7's: corners on corners when it grows, averages when it shrinks */
  TCH_RESIZE_BICUBIC,  /* Torch7's: corners on corners */
  TCH_RESIZE_AREA,     /* averages of what a target pixel covers */
  TCH_RESIZE_LINEAR,   /* the last three: centres on centres, anti-aliased, as in Pillow */
  TCH_RESIZE_CUBIC,
  TCH_RESIZE_LANCZOS
} tch_resize;
TCH_API tch_status tch_image_resize(tch_tensor *image, int64_t height, int64_t width, tch_resize mode, tch_tensor **out);

/* interpolation: 0 nearest, 1 linear, 2 cubic, 3 Lanczos. edge: 0 value, 1 clamp, 2 reflect, 3 wrap, 4 value beyond half a
 * pixel. field (2,H,W): row and column of the picture for each pixel of the result, offset: relative to the pixel. */
TCH_API tch_status tch_image_warp(tch_tensor *image, tch_tensor *field, bool offset, int interpolation, int edge, double value,
                                  tch_tensor **out);
/* matrix: 6 numbers; pixel (y,x) of the result is at row m0 y + m1 x + m2, column m3 y + m4 x + m5. */
TCH_API tch_status tch_image_affine(tch_tensor *image, const double *matrix, int64_t height, int64_t width, int interpolation,
                                    int edge, double value, tch_tensor **out);
/* Rows are angles, columns distances from the centre (log: their logarithms), up to the corner (full) or the nearer side. */
TCH_API tch_status tch_image_polar(tch_tensor *image, int64_t height, int64_t width, bool full, bool log, bool linear,
                                   tch_tensor **out);

typedef enum tch_colours {
  TCH_RGB_TO_HSL, TCH_HSL_TO_RGB, TCH_RGB_TO_HSV, TCH_HSV_TO_RGB, TCH_RGB_TO_LAB, TCH_LAB_TO_RGB, TCH_RGB_TO_YUV, TCH_YUV_TO_RGB
} tch_colours;
/* (3,H,W). Hue, saturation, lightness and value run from 0 to 1 (bytes: to 255); Lab and YUV are for floats. */
TCH_API tch_status tch_image_colours(tch_tensor *image, tch_colours conversion, tch_tensor **out);

/* -- data ------------------------------------------------------------------------------------------------------- */

/* Names in a folder, each with its NUL, sorted; those of folders end in '/'. Other things than files and folders are left out. */
TCH_API tch_status tch_folder_list(const char *path, tch_tensor **names);
/* The files in a tar archive, gzipped or not: their names, each with its NUL; where they lie, (N,2) first byte and count, in the
 * archive, or in *blob if that is not NULL afterwards (a gzipped archive is read whole). */
TCH_API tch_status tch_tar_list(const char *path, tch_tensor **names, tch_tensor **places, tch_tensor **blob);

/* The map of tch_image_affine that rotates and shears by degrees, shifts by pixels, scales and mirrors about the centre, in the
 * order and directions of Keras's ImageDataGenerator. */
TCH_API void tch_augment_matrix(double rotation, double shear, double down, double right, double zoom_y, double zoom_x,
                                bool hflip, bool vflip, int64_t height, int64_t width, double *matrix);

/* Batches of samples, made by threads beside the caller. Samples are pictures in files (names, index, blob: see data.h) or rows
 * of `images` (N,C,H,W), bytes or floats from 0 to 255. */
TCH_API tch_status tch_loader_new(tch_tensor *names, tch_tensor *index, tch_tensor *blob, tch_tensor *images, tch_loader **out);
TCH_API void tch_loader_free(tch_loader *l);                     /* waits for its threads; NULL is fine */
/* Sets an option of TCH_SAMPLE_OPTIONS in data.h; fails if there is none of this name with so many numbers. Before begin. */
TCH_API tch_status tch_loader_set(tch_loader *l, const char *name, int count, const double *values);
/* Starts a pass over the samples that `order` (Long, from 1) names. workers 0: the caller makes the samples. prefetch: batches
 * made ahead. skip: samples that cannot be read are left out. What is drawn depends on seed, epoch and sample alone. */
TCH_API tch_status tch_loader_begin(tch_loader *l, tch_tensor *order, int64_t epoch, int64_t batch, int workers, int prefetch,
                                    bool skip);
/* The next batch: x (n,planes,height,width) floats and the numbers of its samples, Long (n); both NULL at the end. */
TCH_API tch_status tch_loader_next(tch_loader *l, tch_tensor **x, tch_tensor **samples);
TCH_API int64_t tch_loader_skipped(const tch_loader *l);         /* samples left out since the loader was made */
TCH_API const char *tch_loader_reason(const tch_loader *l, int64_t i); /* why; the first hundred are kept, others are NULL */

/* -- plans -------------------------------------------------------------------------------------------------------------
 * A network for inference, float only. It is noted step by step: each call names the value that it reads and gives the number of the
 * one it makes (value 0 is the input); prepared once, when weights are copied in the order that the kernels read; and run with
 * batches of any size. Values are planes (c, h, w) of an image, or a row of features (c, 1, 1). A window's geometry is
 * {kernel, stride, pad, dilation}, each vertical and horizontal. One plan runs one call at a time. */

TCH_API tch_status tch_plan_new(int64_t c, int64_t h, int64_t w, bool flat, tch_plan **out); /* flat: the input is (n, c) */
TCH_API void tch_plan_free(tch_plan *p);                         /* NULL is fine */
TCH_API bool tch_plan_shape(const tch_plan *p, int x, int64_t size[3]); /* whether a row; c, h, w */
/* weight (k, c / groups, kernel...), of a flattened value the weight of nn.Linear (k, features); bias (k) or NULL */
TCH_API tch_status tch_plan_conv(tch_plan *p, int x, tch_tensor *weight, tch_tensor *bias, const int64_t geometry[8],
                                 int64_t groups, int *y);
TCH_API tch_status tch_plan_scale(tch_plan *p, int x, const tch_tensor *scale, const tch_tensor *shift, int *y); /* of planes */
TCH_API tch_status tch_plan_bound(tch_plan *p, int x, double low, double high, int *y);
TCH_API tch_status tch_plan_unary(tch_plan *p, int x, const char *name, double a, double b, int *y); /* of elementwise.def */
TCH_API tch_status tch_plan_add(tch_plan *p, int a, int b, int *y);
TCH_API tch_status tch_plan_pool(tch_plan *p, int x, bool average, const int64_t geometry[8], bool up, bool include_pad, int *y);
TCH_API tch_status tch_plan_adaptive(tch_plan *p, int x, bool average, int64_t h, int64_t w, int *y);
TCH_API tch_status tch_plan_join(tch_plan *p, const int32_t *xs, int n, int *y); /* along planes */
TCH_API tch_status tch_plan_flatten(tch_plan *p, int x, int *y);
TCH_API tch_status tch_plan_softmax(tch_plan *p, int x, bool log, int *y);       /* of a row */
TCH_API tch_status tch_plan_prepare(tch_plan *p, int output);
TCH_API tch_status tch_plan_run(tch_plan *p, tch_tensor *x, tch_tensor **y);     /* *y as in ops */
TCH_API int64_t tch_plan_bytes(const tch_plan *p);               /* held: weights, tables, buffers */

/* -- what Lua states share ------------------------------------------------------------------------------------------
 * Collections of values outside Lua's heap, counters, mutexes and conditions: counted objects that any thread may use; each call
 * on a collection is atomic. A value is its kind and a number (also of a boolean), or an object; of a string the object is its
 * bytes when it is given, and a tch_text when it is got, with the count in `bytes`. What is got is a reference of the caller's. */

typedef enum tch_kind {
  TCH_NIL, TCH_NUMBER, TCH_BOOLEAN, TCH_STRING, TCH_TENSOR, TCH_STORAGE,
  TCH_VEC, TCH_HASH, TCH_COUNTER, TCH_MUTEX, TCH_CONDITION /* these are the shared objects */
} tch_kind;
TCH_API void tch_shared_retain(void *object);
TCH_API void tch_shared_release(void *object);                   /* NULL is fine */
TCH_API int64_t tch_shared_id(void *object);                     /* a number by which tch_shared_find finds it while it lives */
TCH_API tch_status tch_shared_find(int64_t id, tch_kind kind, void **out); /* a new reference */
/* To be called before another thread is given the object. Tensors in it become views of their own without history, and their
 * storages cannot be resized any more, nor are writes to them counted for the tape; later elements likewise. */
TCH_API tch_status tch_shared_cross(void *object);
TCH_API void tch_storage_cross(tch_storage *s);                  /* the same for one storage */
TCH_API const char *tch_text_data(const tch_text *t);
TCH_API void tch_text_release(tch_text *t);

TCH_API tch_status tch_vec_new(tch_vec **out);
TCH_API int64_t tch_vec_count(tch_vec *v);
TCH_API tch_status tch_vec_get(tch_vec *v, int64_t i, tch_kind *kind, double *number, void **object, int64_t *bytes); /* or nil */
TCH_API tch_status tch_vec_put(tch_vec *v, int64_t i, tch_kind kind, double number, const void *object, int64_t bytes); /* grows */
TCH_API tch_status tch_vec_insert(tch_vec *v, int64_t i, tch_kind kind, double number, const void *object, int64_t bytes);
TCH_API void tch_vec_remove(tch_vec *v, int64_t i);              /* nothing outside */
TCH_API tch_status tch_vec_resize(tch_vec *v, int64_t n);
TCH_API void tch_vec_swap(tch_vec *v, int64_t i, int64_t j);

/* Keys are numbers, booleans, strings, and objects by address. Arrays of two hold a key and its value. */
TCH_API tch_status tch_hash_new(tch_hash **out);
TCH_API int64_t tch_hash_count(tch_hash *h);
TCH_API tch_status tch_hash_get(tch_hash *h, tch_kind *kind, double *number, void **object, int64_t *bytes); /* in: key; out: value */
TCH_API tch_status tch_hash_put(tch_hash *h, const tch_kind *kind, const double *number, void *const *object, const int64_t *bytes);
/* The pair at or after *at, which begins at 0 and moves on; a key of kind nil: there is none. */
TCH_API tch_status tch_hash_next(tch_hash *h, int64_t *at, tch_kind *kind, double *number, void **object, int64_t *bytes);
TCH_API tch_status tch_counter_new(tch_counter **out);
TCH_API int64_t tch_counter_add(tch_counter *c, int64_t n);      /* the value before */
TCH_API int64_t tch_counter_get(tch_counter *c);
TCH_API void tch_counter_set(tch_counter *c, int64_t value);

TCH_API tch_status tch_mutex_new(tch_mutex **out);
TCH_API tch_status tch_mutex_lock(tch_mutex *m);                 /* waits; fails if this thread holds it */
TCH_API tch_status tch_mutex_unlock(tch_mutex *m);               /* fails if this thread does not hold it */
TCH_API tch_status tch_condition_new(tch_condition **out);
TCH_API tch_status tch_condition_wait(tch_condition *c, tch_mutex *m); /* m is held, given up while waiting, held again */
TCH_API void tch_condition_signal(tch_condition *c);
TCH_API void tch_condition_broadcast(tch_condition *c);
/* cdef end */

#include "tocha_ops.h" /* generated from the rows of engine/op/ops.def and elementwise.def */

#ifdef __cplusplus
}
#endif
#endif
