/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Between config.c (the file and its single keys), config_socket.c and
 * config_rule.c (the members of its arrays) only.
 */

#ifndef _CONFIG_IMPL_H_
#define _CONFIG_IMPL_H_

#include "config.h"
#include "proto_doc.h"

struct config_load {
	struct config *config;
	bool names;			/* the user has to exist */
	bool images;			/* the file has named one */
	bool sees;			/* the socket at hand says what it lets see */
	unsigned subjects;		/* whom the rule at hand is for: how many */
};

/* All return 0, or -1 with why. */
int	config_text(char *to, size_t size, const char *from, char *why);
int	config_number(uint64_t *to, int64_t value, uint64_t min, uint64_t max,
	    bool size, char *why);
int	config_user(const char *name, uid_t *, char *why);
int	config_group(const char *name, gid_t *, char *why);
int	config_role(const char *name, enum proto_privilege *, char *why);

/* config_socket.c: v NULL: the array is empty; set as a whole: key NONE */
enum config_socket_key {
	SOCKET_PATH, SOCKET_OWNER, SOCKET_GROUP, SOCKET_MODE, SOCKET_ROLE,
	SOCKET_SEES, SOCKET_WHOLE
};
int	config_socket_set(struct config_load *, enum config_socket_key,
	    unsigned index, const struct proto_value *v, char *why);
void	config_socket_default(struct config *);

/* config_rule.c: the subject, then the limits */
enum config_rule_key {
	RULE_ROLE, RULE_GROUP, RULE_USER, RULE_WHOLE, RULE_LIMIT
};
int	config_rule_set(struct config_load *, enum config_rule_key,
	    enum policy_limit, unsigned index, const struct proto_value *v,
	    char *why);
int	config_limit(uint64_t *, enum policy_limit, int64_t, char *why);

#endif /* _CONFIG_IMPL_H_ */
