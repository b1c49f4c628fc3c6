/* The three functions of real numbers that sampling needs: the C library's lie in a library of their
 * own, which the host need not have loaded. Right to about 1 in 10^14. */
#ifndef LWI_BASE_REAL_H
#define LWI_BASE_REAL_H

/* 1 - e^-x for x >= 0. */
double lwi_real_rise(double x);

/* The natural logarithm of x > 0 that is not denormal. */
double lwi_real_log(double x);

/* The square root of x; 0 below 0. */
double lwi_real_root(double x);

#endif
