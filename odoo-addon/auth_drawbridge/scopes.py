"""What a token's scopes allow: which requests read, and which may write."""

#: Reading methods of Odoo's API.
READ = "odoo.read"

#: Everything that the user may call; needs no ``odoo.read`` beside it.
WRITE = "odoo.write"

#: The methods of the ORM and of ``web`` that only read, on every model.
#:
#: A list of what is allowed, because a name says nothing: ``name_create`` and ``load`` write,
#: ``export_data`` makes external ids, ``onchange`` runs any model's code on made-up values,
#: ``default_get`` may draw a number from a sequence, and on ``res.config.settings`` it shows
#: system parameters to anybody. A model can also give one of these names a body that writes: see
#: ``ir.http``, which has PostgreSQL refuse that.
#:
#: On an upgrade of Odoo: compare with ``odoo/orm/models.py`` and ``addons/web/models/models.py``,
#: where these stand, most of them marked ``@api.readonly``.
READ_METHODS = frozenset(
    {
        "fields_get",
        "formatted_read_group",
        "formatted_read_grouping_sets",
        "get_external_id",
        "get_field_translations",
        "get_metadata",
        "has_access",
        "name_search",
        "read",
        "read_group",
        "read_progress_bar",
        "search",
        "search_count",
        "search_panel_select_multi_range",
        "search_panel_select_range",
        "search_read",
        "web_name_search",
        "web_read",
        "web_read_group",
        "web_search_read",
    }
)


def required_scope(routing, http_method, args):
    """The scope that a request to an ``auth='bearer'`` route needs.

    A call of a model's method goes by the method. Any other route is taken for reading if it says
    so itself, by ``readonly=True`` or by being asked with GET or HEAD; it is kept to its word by a
    read-only transaction.

    :param dict routing: of the endpoint
    :param str http_method: of the request
    :param dict args: parts of the path
    :return: :data:`READ` or :data:`WRITE`
    """
    if "__method__" in args:
        reads = args["__method__"] in READ_METHODS
    else:
        # A callable decides by something that is not known here: not literally True is no.
        reads = routing.get("readonly") is True or http_method in ("GET", "HEAD")
    return READ if reads else WRITE


def allows(scopes, required):
    """Whether the ``scopes`` of a token cover the ``required`` one."""
    return required in scopes or WRITE in scopes
