/* Log-linear buckets: the one histogram layout of poolscope, shared by pools, BPF programs and user space. Plain C.
 *
 * Values 0..15 have a bucket each; above that every power of two is cut into 8 equal buckets, so that a bucket is at
 * most 12.5 % wide. 368 buckets reach to 2^48; larger values count in the last one. Works for bytes and nanoseconds.
 */
#ifndef POOLSCOPE_LOG_LINEAR_H
#define POOLSCOPE_LOG_LINEAR_H

#define PS_LOG_LINEAR_SUB_BITS 3
#define PS_LOG_LINEAR_BUCKETS 368

typedef unsigned long long ps_u64;

/* Position of the highest set bit of `value`, which must not be 0. */
static inline unsigned int ps_highest_bit(ps_u64 value) {
#ifdef __bpf__ /* clang 14 does not end when it lowers __builtin_clzll for BPF */
  unsigned int bit = 0, width;

  for (width = 32; width; width >>= 1) {
    if (value >> width) {
      value >>= width;
      bit += width;
    }
  }
  return bit;
#else
  return 63u - (unsigned int)__builtin_clzll(value);
#endif
}

/* Bucket of `value`, in 0 .. PS_LOG_LINEAR_BUCKETS - 1. */
static inline unsigned int ps_log_linear_index(ps_u64 value) {
  unsigned int msb, index;

  if (value < (1u << (PS_LOG_LINEAR_SUB_BITS + 1))) return (unsigned int)value;
  msb = ps_highest_bit(value);
  index = ((msb - PS_LOG_LINEAR_SUB_BITS) << PS_LOG_LINEAR_SUB_BITS) +
          (unsigned int)(value >> (msb - PS_LOG_LINEAR_SUB_BITS));
  return index < PS_LOG_LINEAR_BUCKETS ? index : PS_LOG_LINEAR_BUCKETS - 1;
}

/* Smallest value that falls into bucket `index`; for index == PS_LOG_LINEAR_BUCKETS the end of the last bucket. */
static inline ps_u64 ps_log_linear_lower(unsigned int index) {
  unsigned int shift;

  if (index < (1u << (PS_LOG_LINEAR_SUB_BITS + 1))) return index;
  shift = (index >> PS_LOG_LINEAR_SUB_BITS) - 1;
  return (ps_u64)((1u << PS_LOG_LINEAR_SUB_BITS) + (index & ((1u << PS_LOG_LINEAR_SUB_BITS) - 1))) << shift;
}

/* Largest value that falls into bucket `index`. */
static inline ps_u64 ps_log_linear_upper(unsigned int index) {
  return ps_log_linear_lower(index + 1) - 1;
}

#endif
