#include "node/home.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* What others than the owner must not be able to do. The published log may be read, a policy too:
 * neither may be changed. */
static const struct mode_rule {
    const char *name; /* in the home; one that is not there is no matter of this table */
    mode_t forbidden;
    const char *others;
    const char *remedy;
} RULES[] = {
    {"keys", 077, "look into", "700"},    {"vault", 077, "look into", "700"},
    {"columns", 077, "look into", "700"}, {"state.db", 077, "read", "600"},
    {"state.db-wal", 077, "read", "600"}, {"state.db-shm", 077, "read", "600"},
    {"lock", 022, "write", "600"},        {"node.yaml", 022, "write", "600"},
    {"policy", 022, "write into", "700"}, {"log", 022, "write into", "755"},
};

enum pt_code home_check_modes(const struct home *h, struct pt_err *err)
{
    char path[HOME_PATH_MAX];
    struct stat st;

    for (size_t i = 0; i < PT_LEN(RULES); i++) {
        const struct mode_rule *r = &RULES[i];
        home_path(path, h, r->name);
        if (stat(path, &st) != 0) {
            if (errno == ENOENT)
                continue;
            return pt_fail(err, PT_EIO, "%s: %s", path, strerror(errno));
        }
        if ((st.st_mode & r->forbidden) != 0)
            return pt_fail(err, PT_EDENIED,
                           "others than its owner may %s %s: chmod %s %s, and ask who did",
                           r->others, path, r->remedy, path);
    }
    return PT_OK;
}
