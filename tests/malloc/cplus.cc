// All forms of new and delete, an exception that passes, a constructor before main.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <unistd.h>
#include <vector>

static void *volatile keep;
static long bytes[1000], blocks[1000];

template <typename T> static T left(T made, int line, long size)
{
    bytes[line] += size;
    blocks[line]++;
    return made;
}
#define LEFT(call, size) left((call), __LINE__, (size))

struct alignas(64) wide {
    char text[128];
};

struct bomb {
    explicit bomb(int) { throw 1; }
    char text[500];
};

static struct before_main {
    char *kept;
    char *gone;
    before_main() : kept(nullptr), gone(new char[1000])
    {
        kept = LEFT(new char[77], 77);
    }
    ~before_main() { delete[] gone; }
} before_main;

int main()
{
    keep = LEFT(new int, 4);
    keep = LEFT(new char[1001], 1001);
    keep = LEFT(new (std::nothrow) char[55], 55);
    keep = LEFT(new wide, 128);
    keep = LEFT(new wide[2], 256);
    delete new int;
    delete[] new char[5];
    delete new wide;
    delete[] new wide[3];
    operator delete(operator new(40), std::size_t(40));
    operator delete(operator new(40, std::nothrow), std::nothrow);
    try {
        keep = new bomb(1);
        return 1;
    } catch (int) {
    }
    try {
        volatile std::size_t too_much = std::size_t(-1) / 4;
        keep = new char[too_much];
        return 2;
    } catch (const std::bad_alloc &) {
    }
    {
        std::map<int, std::string> map;
        for (int i = 0; i < 1000; i++)
            map[i] = std::string(size_t(i), 'x');
        std::vector<std::unique_ptr<wide>> many;
        for (int i = 0; i < 100; i++)
            many.push_back(std::make_unique<wide>());
    }
    for (int i = 0; i < 1000; i++) {
        if (blocks[i])
            dprintf(STDOUT_FILENO, "left %d %ld %ld\n", i, bytes[i], blocks[i]);
    }
    return 0;
}
