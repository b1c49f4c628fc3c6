/* Registered objects as a runtime of the core's own. */
#ifndef LWI_CAPTURE_OBJECTS_H
#define LWI_CAPTURE_OBJECTS_H

#include "capture/sink.h"

int lwi_objects_enumerate(lw_sink *sink, void *user); /* of the context `user` */

#endif
