// Rows of the generated tables.
#pragma once

struct VZLProperty {
  const char *className, *name;
  bool isBool;
  int major, minor;
};
struct VZLClass {
  const char *name;
  int major, minor;
};
struct VZLMethod {
  const char *className, *selector;
  bool isClass;
  int major, minor;
};
