/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The daemon of another host, by ssh.
 */

#ifndef _REMOTE_H_
#define _REMOTE_H_

/*
 * => remote_open gives a descriptor that speaks to the host's daemon; what
 *    fails has been printed
 * => remote_proxy is the other end: standard input and output to the daemon's
 *    connection and back
 */
int	remote_open(const char *, int *);
void	remote_proxy(int);

#endif /* !_REMOTE_H_ */
