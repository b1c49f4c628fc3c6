/* Leaks of the kinds that C++ programs have, and of each a twin that gives everything back. */
#include "planted.h"

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

static const char *const long_text = "a text that is too long for the room inside a string object";
static const size_t text_size = sizeof "a text that is too long for the room inside a string object";

template <class T> static void drop(T *object)
{
    seen = object;
    if (clean)
        delete object;
}

/* ---- new without delete ---- */

static void new_without_delete(int round)
{
    int *number = LEAK(new int(round), sizeof(int));
    drop(number);
}

static void array_without_delete(int)
{
    double *numbers = LEAK(new double[50], 50 * sizeof(double));
    seen = numbers;
    if (clean)
        delete[] numbers;
}

/* The number of elements lies before them. */
static void array_of_objects(int)
{
    std::string *texts = LEAK(new std::string[3], sizeof(size_t) + 3 * sizeof(std::string));
    seen = texts;
    if (clean)
        delete[] texts;
}

static void aligned_object(int round)
{
    struct alignas(128) wide {
        int number;
    };
    wide *object = LEAK(new wide{round}, sizeof(wide));
    drop(object);
}

static void without_an_exception(int round)
{
    long *number = LEAK(new (std::nothrow) long(round), sizeof(long));
    drop(number);
}

/* ---- owners that do not own ---- */

static void vector_of_pointers(int round)
{
    std::vector<long *> all;
    for (int i = 0; i < 5; i++) {
        long *number = LEAK(new long(round), sizeof(long));
        all.push_back(number);
    }
    for (long *number : all)
        drop(number);
}

static void map_of_pointers(int round)
{
    std::map<int, char *> all;
    for (int i = 0; i < 3; i++) {
        char *text = LEAK(new char[21], 21);
        all[i * round] = text;
        seen = text;
        if (clean)
            delete[] text;
    }
}

static void released_pointer(int round)
{
    std::unique_ptr<long> owner(LEAK(new long(round), sizeof(long)));
    drop(owner.release());
}

/* malloc and free do not know of what a string holds. */
static void string_in_a_raw_struct(int)
{
    struct holder {
        std::string text;
    };
    holder *object = new (malloc(sizeof(holder))) holder;
    object->text = LEAK(long_text, text_size);
    seen = object;
    if (clean)
        object->~holder();
    free(object);
}

struct base {
    int kind = 0;
};

struct derived : base {
    std::vector<int> numbers;
    derived()
    {
        numbers = LEAK(std::vector<int>(30), 30 * sizeof(int));
    }
};

static void destructor_that_is_not_virtual(int)
{
    derived *object = new derived;
    seen = object;
    if (clean)
        object->~derived();
    ::operator delete(static_cast<base *>(object));
}

struct node {
    std::shared_ptr<node> other;
    char text[50] = "";
};

using counted_node = std::_Sp_counted_ptr_inplace<node, std::allocator<void>,
                                                  __gnu_cxx::__default_lock_policy>;

static void cycle_of_shared_pointers(int)
{
    std::shared_ptr<node> nodes[2];
    for (auto &one : nodes)
        one = LEAK(std::make_shared<node>(), sizeof(counted_node));
    nodes[0]->other = nodes[1];
    if (!clean)
        nodes[1]->other = nodes[0];
}

/* ---- what only grows ---- */

static void map_without_bound(int round)
{
    using tree_node = std::_Rb_tree_node<std::pair<const int, std::unique_ptr<char>>>;
    static std::map<int, std::unique_ptr<char>> all;
    all[round * 7] = nullptr, LEAVES(sizeof(tree_node));
    if (clean)
        all.clear();
}

static void static_registry(int round)
{
    struct state {
        char text[64];
    };
    static std::vector<std::function<int()>> listeners;
    listeners.reserve(ROUNDS + 1);
    state captured = {};
    listeners.emplace_back([captured, round] { return captured.text[0] + round; }), LEAVES(68);
    if (clean)
        listeners.pop_back();
}

static void list_that_grows(int round)
{
    static std::list<long> numbers;
    numbers.push_back(round), LEAVES(sizeof(std::_List_node<long>));
    if (clean)
        numbers.pop_front();
}

static void strings_that_are_kept(int)
{
    static std::vector<std::string> all;
    all.reserve(ROUNDS + 1);
    all.emplace_back(long_text), LEAVES(text_size);
    if (clean)
        all.pop_back();
}

/* ---- ways out ---- */

static void check(int round)
{
    if (round >= 0)
        throw std::runtime_error("always");
}

static void work_and_throw(int round)
{
    char *block = LEAK(new char[130], 130);
    seen = block;
    std::unique_ptr<char[]> owner(clean ? block : nullptr);
    check(round);
    delete[] block; /* never comes here */
}

static void exception_path(int round)
{
    try {
        work_and_throw(round);
    } catch (const std::exception &) {
    }
}

static void constructor_that_throws(int round)
{
    struct half {
        std::unique_ptr<char[]> owner;
        char *raw;
        explicit half(int number) : raw(LEAK(new char[55], 55))
        {
            seen = raw;
            if (clean)
                owner.reset(raw);
            check(number);
        }
        ~half()
        {
            delete[] raw;
        }
    };
    try {
        half object(round);
    } catch (const std::exception &) {
    }
}

static void *thread_work(void *user)
{
    static thread_local std::string *own;
    own = LEAK(new std::string("short"), sizeof(std::string));
    drop(own);
    return user;
}

static void thread_local_pointer(int)
{
    pthread_t thread;
    if (pthread_create(&thread, nullptr, thread_work, nullptr) == 0)
        pthread_join(thread, nullptr);
}

static const plant plants[] = {
    {"new_without_delete", new_without_delete},
    {"array_without_delete", array_without_delete},
    {"array_of_objects", array_of_objects},
    {"aligned_object", aligned_object},
    {"without_an_exception", without_an_exception},
    {"vector_of_pointers", vector_of_pointers},
    {"map_of_pointers", map_of_pointers},
    {"released_pointer", released_pointer},
    {"string_in_a_raw_struct", string_in_a_raw_struct},
    {"destructor_that_is_not_virtual", destructor_that_is_not_virtual},
    {"cycle_of_shared_pointers", cycle_of_shared_pointers},
    {"map_without_bound", map_without_bound},
    {"static_registry", static_registry},
    {"list_that_grows", list_that_grows},
    {"strings_that_are_kept", strings_that_are_kept},
    {"exception_path", exception_path},
    {"constructor_that_throws", constructor_that_throws},
    {"thread_local_pointer", thread_local_pointer},
};

int main(int count, char **words)
{
    return run_plants(plants, sizeof plants / sizeof *plants, count, words);
}
