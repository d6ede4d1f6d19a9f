#include "greeting.h"

#include <stdio.h>
#include <sys/utsname.h>

int main(int argc, char **argv) {
  char line[256];
  struct utsname machine;
  if (greeting(line, sizeof line, argc > 1 ? argv[1] : "world") < 0) {
    fputs("hello: that name is too long\n", stderr);
    return 1;
  }
  if (uname(&machine) != 0) {
    perror("hello: uname");
    return 1;
  }
  printf("%s This is %s on %s.\n", line, machine.sysname, machine.machine);
  return 0;
}
