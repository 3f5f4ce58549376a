/* What the OS says of a thread: on a CPU or waiting for one, or asleep. */
#ifndef SPY_SAMPLE_OSTATE_H
#define SPY_SAMPLE_OSTATE_H

#include <sys/types.h>

/* The stat file of one thread, kept open between readings where descriptors allow it. */
struct spy_ostate {
	pid_t pid, tid;
	int fd; /* -1: opened for each reading */
};

void spy_ostate_open(struct spy_ostate *ostate, pid_t pid, pid_t tid);
void spy_ostate_close(struct spy_ostate *ostate);

/* The thread's state as in proc(5): R, S, D, T, t, Z; X when it has gone; '?' when not told. */
char spy_ostate_read(const struct spy_ostate *ostate);

#endif
