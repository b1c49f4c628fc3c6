/* Loads each module named on the command line, lets it work, and unloads it, several times. */
#include "expect.h"

#include <dlfcn.h>
#include <string.h>

int main(int count, char **names)
{
    for (int round = 0; round < 3; round++) {
        for (int i = 1; i < count; i++) {
            void *module = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
            CHECK(module);
            int (*work)(unsigned);
            void *found = dlsym(module, "work");
            memcpy(&work, &found, sizeof found);
            CHECK(work(1000 * (unsigned)i) == 1);
            CHECK(dlclose(module) == 0);
        }
    }
    CHECK(dlopen("/nowhere/lib.so", RTLD_NOW) == NULL && dlerror());
    return 0;
}
