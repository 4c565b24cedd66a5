# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""What the compiled packet path calls: the kernel's sockets, and libsrtp by the addresses of its
functions (pylibsrtp carries it, and no library is linked)."""

from libc.stdint cimport uint16_t, uint32_t

cdef extern from *:
    """
    #define diemcau_prefetch(address) __builtin_prefetch(address)
    """
    void diemcau_prefetch(const void* address) noexcept nogil

cdef extern from "<sys/socket.h>" nogil:
    ctypedef unsigned int socklen_t
    cdef struct sockaddr:
        pass
    cdef struct sockaddr_storage:
        uint16_t ss_family
    cdef struct iovec:
        void* iov_base
        size_t iov_len
    cdef struct msghdr:
        void* msg_name
        socklen_t msg_namelen
        iovec* msg_iov
        size_t msg_iovlen
        void* msg_control
        size_t msg_controllen
        int msg_flags
    cdef struct mmsghdr:
        msghdr msg_hdr
        unsigned int msg_len
    cdef struct cmsghdr:
        size_t cmsg_len
        int cmsg_level
        int cmsg_type
    cdef struct timespec:
        long tv_sec
        long tv_nsec
    int AF_INET, AF_INET6, MSG_DONTWAIT, SOL_SOCKET
    int sendmmsg(int fd, mmsghdr* messages, unsigned int count, int flags)
    int recvmmsg(int fd, mmsghdr* messages, unsigned int count, int flags, timespec* timeout)
    int getsockopt(int fd, int level, int name, void* value, socklen_t* size)
    size_t CMSG_LEN(size_t size)
    size_t CMSG_SPACE(size_t size)
    unsigned char* CMSG_DATA(cmsghdr* message)
    cmsghdr* CMSG_FIRSTHDR(msghdr* message)

cdef extern from "<netinet/in.h>" nogil:
    cdef struct in_addr:
        pass
    cdef struct in6_addr:
        pass
    cdef struct sockaddr_in:
        uint16_t sin_family
        uint16_t sin_port
        in_addr sin_addr
    cdef struct sockaddr_in6:
        uint16_t sin6_family
        uint16_t sin6_port
        uint32_t sin6_flowinfo
        in6_addr sin6_addr
        uint32_t sin6_scope_id
    uint16_t htons(uint16_t value)
    uint32_t htonl(uint32_t value)
    uint16_t ntohs(uint16_t value)
    uint32_t ntohl(uint32_t value)

cdef extern from "<arpa/inet.h>" nogil:
    int inet_pton(int family, const char* text, void* address)

ctypedef int (*protect_t)(void* context, void* packet, int* size) noexcept nogil

cdef enum:
    SOL_UDP = 17
    UDP_SEGMENT = 103
    SO_TIMESTAMPNS = 35
