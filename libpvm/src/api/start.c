/*
 * start.c: pvm_start_pvmd. What starts a virtual machine is the command: `mpvm up`.
 */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>

#include "api.h"

extern char **environ;

/* PVM's arguments: -nADDRESS of this machine, -dMASK (nothing here), and a hostfile. */
static int command_line(int argc, char **argv, int block, char **words)
{
	int n = 0, i;

	words[n++] = "mpvm";
	words[n++] = "up";
	for (i = 0; i < argc && argv && argv[i]; i++) {
		if (!strncmp(argv[i], "-n", 2) && argv[i][2]) {
			words[n++] = "--address";
			words[n++] = argv[i] + 2;
		} else if (argv[i][0] != '-') {
			words[n++] = "--hostfile";
			words[n++] = argv[i];
			if (!block)
				words[n++] = "--detach";
		}
	}
	words[n] = NULL;
	return n;
}

/* The exit code of the command, its complaints on our stderr; -1 when it cannot be run. */
static int run(char **words)
{
	posix_spawn_file_actions_t files;
	int status = 0, result = -1;
	pid_t pid, ended;

	if (posix_spawn_file_actions_init(&files))
		return -1;
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	if (!posix_spawnp(&pid, words[0], &files, NULL, words, environ)) {
		do
			ended = waitpid(pid, &status, 0);
		while (ended < 0 && errno == EINTR);
		/* Where SIGCHLD is ignored there is no exit code: whether a daemon answers will tell. */
		result = ended < 0 || !WIFEXITED(status) ? 0 : WEXITSTATUS(status);
	}
	posix_spawn_file_actions_destroy(&files);
	return result;
}

#define EXIT_PARTLY 3   /* hosts of the hostfile did not start; the virtual machine did */

static int start(int argc, char **argv, int block)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char **words;
	int code;

	if (pvmi->tid || (pvmi_find_socket(path, sizeof(path)) && pvmi_link_daemon_answers(path)))
		return PvmDupHost;
	if (argc < 0)
		return PvmBadParam;
	words = calloc(3 * (size_t)argc + 3, sizeof(*words));
	if (!words)
		return PvmNoMem;
	command_line(argc, argv, block, words);
	unsetenv("PVMSOCK");            /* of a daemon that is gone */
	code = run(words);
	free(words);
	if ((code && code != EXIT_PARTLY) || !pvmi_find_socket(path, sizeof(path)) ||
	    !pvmi_link_daemon_answers(path))
		return PvmSysErr;
	setenv("PVMSOCK", path, 1);     /* as PVM does */
	return PvmOk;
}

int pvm_start_pvmd(int argc, char **argv, int block)
{
	int result;

	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_entry(TEV_START_PVMD, block, argv, argc);
	result = start(argc, argv, block);
	pvmi_tev_exit(TEV_START_PVMD, result);
	return pvmi_end("pvm_start_pvmd", result);
}
