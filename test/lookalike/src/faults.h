// Faults that tests ask for: names in VZ_LOOKALIKE_FAULT, apart by commas, each with `=value` where it takes one.
#pragma once
#include <string>

/** The faults of the environment, as it is now. Called where a configuration begins: on the thread that may change it. */
void vzlReadFaults();
/** Replaces them, until `vzlSetFaults(nullptr)`, whatever the environment says. */
void vzlSetFaults(const char *names);
bool vzlFault(const char *name);
/** What stands behind `name=`, or the default. */
std::string vzlFaultValue(const char *name, const char *otherwise);
