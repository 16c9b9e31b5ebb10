#include "node/idopt.h"

#include "node/map.h"

static enum pt_code how_of(struct normalise_how *out, const struct cli *cli, const struct policy *p,
                           uint16_t me, struct pt_err *err)
{
    const char *map_path = cli_value(cli, "map");
    const char *encoding = cli_value(cli, "encoding");
    struct map *map = NULL;

    *out = (struct normalise_how){.type = p->identifier, .rules = p->rules};
    if (map_path != NULL && encoding != NULL)
        return pt_fail(err, PT_EUSAGE, "--map or --encoding, not both");
    if (encoding != NULL && !idlist_encoding(&out->encoding, encoding))
        return pt_fail(err, PT_EUSAGE, "--encoding is raw, sha256-hex or sha256-base64");
    if (map_path == NULL)
        return PT_OK;
    enum pt_code rc = map_read(&map, map_path, p, me, err);
    if (rc == PT_OK)
        *out = map->identifier;
    map_free(map);
    return rc;
}

enum pt_code idopt_read(struct idlist *out, const struct cli *cli, const struct policy *p,
                        uint16_t me, struct pt_err *err)
{
    struct normalise_how how;
    const char *path = cli->args[0];
    enum pt_code rc = how_of(&how, cli, p, me, err);

    if (rc == PT_OK)
        rc = idlist_read(out, path, &how, err);
    if (rc == PT_OK && out->set.count == 0)
        rc = pt_fail(err, PT_EPARSE, "%s names nobody: one identifier a line", path);
    return rc;
}
