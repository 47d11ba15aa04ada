from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import tagged

from ..models.res_config_settings import ISSUER, JWKS_URL
from .hand_off import VERIFIER, HandOffCase


@tagged("post_install", "-at_install")
class TestNeutralize(HandOffCase):
    def neutralize(self):
        for query in get_neutralization_queries(["auth_drawbridge"]):
            self.env.cr.execute(query)
        # Odoo neutralizes a database that nobody serves; here somebody has it in memory.
        self.env.registry.clear_all_caches()
        self.env.invalidate_all()

    def test_a_neutralized_copy_hands_off_to_nobody_and_redeems_nothing(self):
        self.sign_in()
        code = self.code()
        self.neutralize()
        self.assertEqual(self.go(self.address()).status_code, 404)
        self.assertRefused(self.ask("redeem", code=code, code_verifier=VERIFIER))
        self.assertFalse(self.codes())
        self.env["ir.config_parameter"].set_param(ISSUER, self.bridge.issuer)
        self.assertDenied(code)

    def test_a_neutralized_copy_accepts_no_token(self):
        self.env["ir.config_parameter"].set_param(JWKS_URL, self.bridge.jwks_url)
        token = self.token()

        def hello():
            return self.ask_as_bridge("/auth_drawbridge/1/hello", b"{}")

        self.assertAnswers(self.call(token))
        self.assertAnswers(hello())
        self.env["drawbridge.revocation"]._record({"ended": 2000000000}, {})
        self.neutralize()
        self.assertFalse(self.env["ir.config_parameter"].get_param(ISSUER))
        self.assertFalse(self.env["ir.config_parameter"].get_param(JWKS_URL))
        for model in ("drawbridge.keys", "drawbridge.revocation"):
            self.assertFalse(self.env[model].search_count([]), model)
        self.assertRefused(self.call(token))
        self.assertRefused(hello())
