#include "base/real.h"

#include <stdint.h>
#include <string.h>

/* Taylor's series for a small part of x, then f(2y) = f(y) (2 - f(y)). */
double lwi_real_rise(double x)
{
    int doublings = 0;
    if (x > 45) /* e^-45 is less than half of what a double near 1 resolves */
        return 1;
    for (; x > 1.0 / 64; doublings++)
        x /= 2;
    double term = x, sum = x;
    for (int i = 2; i <= 8; i++) {
        term *= -x / i;
        sum += term;
    }
    while (doublings-- > 0)
        sum *= 2 - sum;
    return sum;
}

/* x = m * 2^k with m around 1; ln m = 2 atanh((m - 1) / (m + 1)). */
double lwi_real_log(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52 & 0x7FF) - 1023;
    bits = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1023) << 52;
    memcpy(&x, &bits, sizeof x);
    if (x > 1.4142135623730951) {
        x /= 2;
        exponent++;
    }
    double ratio = (x - 1) / (x + 1), power = ratio, sum = 0;
    for (int i = 1; i <= 21; i += 2) {
        sum += power / i;
        power *= ratio * ratio;
    }
    return 2 * sum + exponent * 0.69314718055994530942;
}

/* Newton's method from half the exponent. */
double lwi_real_root(double x)
{
    uint64_t bits;
    if (x <= 0)
        return 0;
    memcpy(&bits, &x, sizeof bits);
    bits = (bits >> 1) + (UINT64_C(1023) << 51);
    double root;
    memcpy(&root, &bits, sizeof root);
    for (int i = 0; i < 5; i++)
        root = (root + x / root) / 2;
    return root;
}
