/* Verdict: whether the rounds of a region leak, as numbers. */
#include "types.h"

enum { KIND, ROUNDS, GREW, SINCE, MORE, GROWTH, GROWTH_BLOCKS, PER_ROUND, CONFIDENCE, FIELDS };

PyObject *lwpy_verdict_new(const lw_verdict *verdict)
{
    double span = verdict->span ? (double)verdict->span : 1;
    return lwpy_record_new(LWPY_VERDICT, FIELDS, lwpy_string(lw_verdict_name(verdict->kind)),
                           PyLong_FromUnsignedLongLong(verdict->rounds),
                           PyLong_FromUnsignedLongLong(verdict->grew),
                           PyLong_FromUnsignedLongLong(verdict->since),
                           PyLong_FromUnsignedLongLong(verdict->more),
                           PyLong_FromLongLong(verdict->growth_bytes),
                           PyLong_FromLongLong(verdict->growth_blocks),
                           PyFloat_FromDouble((double)verdict->growth_bytes / span),
                           PyLong_FromUnsignedLong(verdict->confidence));
}

static PyObject *verdict_str(PyObject *self)
{
    lwpy_record *verdict = (lwpy_record *)self;
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *text;
    if (PyObject_IsTrue(verdict->fields[GREW]) == 1)
        text = PyUnicode_FromFormat("%U in %S of %S", verdict->fields[KIND],
                                    verdict->fields[GREW], verdict->fields[ROUNDS]);
    else
        text = Py_NewRef(verdict->fields[KIND]);
    lwpy_quiet_end(&quiet);
    return text;
}

static PyMemberDef verdict_fields[] = {
    LWPY_FIELD(KIND, "kind",
               "'grows', 'warm-up', 'turns over', 'clean' or 'cannot tell yet'"),
    LWPY_FIELD(ROUNDS, "rounds", "how many rounds have ended: all that is judged"),
    LWPY_FIELD(GREW, "grew", "in how many of them what grows left something"),
    LWPY_FIELD(SINCE, "since", "grows: the first of those rounds, from 1; warm-up: the last that "
                               "left something; else 0"),
    LWPY_FIELD(MORE, "more", "cannot tell yet: about how many more rounds it takes; else 0"),
    LWPY_FIELD(GROWTH, "growth", "bytes that what grows holds"),
    LWPY_FIELD(GROWTH_BLOCKS, "growth_blocks", "the same in blocks"),
    LWPY_FIELD(PER_ROUND, "per_round", "bytes of growth per round, since it began"),
    LWPY_FIELD(CONFIDENCE, "confidence", "per cent, at most 99; 0 while one cannot tell"),
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot verdict_slots[] = {
    {Py_tp_doc, "Whether the rounds of a region leak, and on what evidence."},
    {Py_tp_dealloc, LWPY_SLOT(lwpy_record_free)},
    {Py_tp_repr, LWPY_SLOT(lwpy_record_repr)},
    {Py_tp_str, LWPY_SLOT(verdict_str)},
    {Py_tp_members, verdict_fields},
    {0, NULL},
};

PyType_Spec lwpy_verdict_spec = {"leakwatch.Verdict", LWPY_RECORD_SIZE(FIELDS), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                 verdict_slots};
