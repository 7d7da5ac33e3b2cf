// Preloaded into follow_target: its constructor runs before the entry point of the program, and forks there. The child
// goes on into the program as well, so both pass the entry point.

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((constructor)) static void fork_before_entry() {
  ::unsetenv("LD_PRELOAD");
  const pid_t child = ::fork();
  if (child > 0) {
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 7) ::_exit(50);
  }
}
