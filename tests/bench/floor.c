/* The floor of S1: for each datagram that comes and for each receiver, AES-GCM by the same libsrtp
 * and one sendto(2). No sessions, no checks, no rewriting, no batches. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

typedef int (*protect_fn)(void *context, void *packet, int *size);

void forward(int fd, protect_fn protect, void **contexts, const struct sockaddr_in *to, int legs)
{
    static char in[2048], out[2048] __attribute__((aligned(16)));

    for (;;) {
        ssize_t got = recv(fd, in, 1400, 0);
        if (got < 12)
            continue;
        for (int leg = 0; leg < legs; leg++) {
            int size = (int)got;
            memcpy(out, in, got);
            if (protect(contexts[leg], out, &size) == 0)
                sendto(fd, out, size, 0, (const struct sockaddr *)&to[leg], sizeof to[leg]);
        }
    }
}
