#include "greeting.h"

#include <stdio.h>

int greeting(char *out, size_t size, const char *name) {
  int length = snprintf(out, size, "Hello, %s!", name);
  return length >= 0 && (size_t)length < size ? length : -1;
}
