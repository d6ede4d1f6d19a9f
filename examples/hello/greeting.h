#ifndef GREETING_H
#define GREETING_H

#include <stddef.h>

/* Writes a greeting for name into out; returns its length, or -1 when it does not fit. */
int greeting(char *out, size_t size, const char *name);

#endif
