/*
 * A program with an interpreter inside that is not called python.
 * usage: embed main|thread SCRIPT: runs SCRIPT in the main thread, or in a second one
 */
#include <Python.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static void *run(void *path)
{
	FILE *file = fopen(path, "r");

	if (!file)
		return path;
	Py_Initialize();
	return PyRun_SimpleFile(file, path) ? path : NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	void *failed;

	if (argc != 3)
		return 2;
	if (!strcmp(argv[1], "main"))
		return run(argv[2]) != NULL;
	if (pthread_create(&thread, NULL, run, argv[2]) || pthread_join(thread, &failed))
		return 2;
	return failed != NULL;
}
