#include "greeting.h"

#include <stdio.h>
#include <string.h>

static int failed;

static void check(const char *what, int ok) {
  printf("%s %s\n", ok ? "ok    " : "FAILED", what);
  if (!ok) failed = 1;
}

int main(void) {
  char out[16];
  check("greets by name", greeting(out, sizeof out, "you") == 11 && strcmp(out, "Hello, you!") == 0);
  check("a name that just fits", greeting(out, sizeof out, "seven77") == 15);
  check("a name that is too long is refused", greeting(out, sizeof out, "eight888") == -1);
  return failed;
}
