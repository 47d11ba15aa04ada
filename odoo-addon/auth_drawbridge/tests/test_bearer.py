from cryptography.hazmat.primitives.asymmetric import rsa

from odoo import fields
from odoo.tests import tagged

from .bridge import Key
from .common import DrawbridgeCase


@tagged("post_install", "-at_install")
class TestBearer(DrawbridgeCase):
    def test_runs_as_the_user_under_record_rules(self):
        internal = self.assertAnswers(self.call(self.token(self.internal)))
        portal = self.assertAnswers(self.call(self.token(self.portal)))
        self.assertEqual(
            internal, self.env["res.partner"].with_user(self.internal).search_count([])
        )
        self.assertEqual(portal, self.env["res.partner"].with_user(self.portal).search_count([]))
        self.assertGreater(internal, portal)

    def test_the_creator_is_the_user(self):
        ids = self.assertAnswers(
            self.call(self.token(), method="create", vals_list=[{"name": "Bridge & Sons"}])
        )
        partner = self.env["res.partner"].browse(ids)
        self.assertEqual(partner.create_uid, self.internal)
        self.assertEqual(partner.name, "Bridge & Sons")

    def test_what_the_user_may_not_do_stays_forbidden(self):
        response = self.call(self.token(self.portal), method="create", vals_list=[{"name": "No"}])
        self.assertEqual(response.status_code, 403)
        self.assertNotIn("WWW-Authenticate", response.headers)

    def test_one_of_several_audiences(self):
        self.assertAnswers(self.call(self.token(aud=[f"{self.bridge.issuer}/api", self.audience])))

    def test_typ_is_a_media_type(self):
        for typ in ("AT+JWT", "application/at+jwt"):
            with self.subTest(typ):
                self.assertAnswers(self.call(self.bridge.key.sign(self.claims(), typ=typ)))

    def test_rs256(self):
        self.bridge.key = Key("rsa", rsa.generate_private_key(65537, 2048))
        self.fetch_keys()
        self.assertAnswers(self.call(self.token()))

    def test_within_the_leeway(self):
        now = self.claims()["iat"]
        self.assertAnswers(self.call(self.token(iat=now - 600, exp=now - 2)))
        self.assertAnswers(self.call(self.token(iat=now + 3, exp=now + 600)))

    def test_api_keys_go_on_working(self):
        key = (
            self.env["res.users.apikeys"]
            .with_user(self.internal)
            .sudo()
            ._generate(None, "test", fields.Datetime.add(fields.Datetime.now(), days=1))
        )
        expected = self.env["res.partner"].with_user(self.internal).search_count([])
        self.assertEqual(self.assertAnswers(self.call(key)), expected)
        # An API key has no scopes: it may write.
        self.assertAnswers(self.call(key, method="create", vals_list=[{"name": "By key"}]))

    def test_a_wrong_api_key_gets_odoos_own_answer(self):
        response = self.call("0" * 40)
        self.assertEqual(response.status_code, 401)
        self.assertNotIn("invalid_token", response.headers["WWW-Authenticate"])
        self.assertEqual(self.bridge.requested, [])

    def test_leaves_no_session(self):
        response = self.call(self.token())
        self.assertNotIn("Set-Cookie", response.headers)

    def test_a_session_of_another_user_is_not_mixed_in(self):
        session = self.authenticate(self.portal.login, self.portal.login)
        response = self.call(self.token(self.internal), cookies={"session_id": session.sid})
        self.assertEqual(response.status_code, 403, response.text)
        # The same the other way round: the token is not what decides whom to serve.
        session = self.authenticate(self.internal.login, self.internal.login)
        response = self.call(self.token(self.portal), cookies={"session_id": session.sid})
        self.assertEqual(response.status_code, 403, response.text)

    def test_a_session_does_not_save_a_bad_token(self):
        session = self.authenticate(self.internal.login, self.internal.login)
        response = self.call(self.token(aud="odoo:other"), cookies={"session_id": session.sid})
        self.assertRefused(response)

    def test_a_session_does_not_widen_the_scope(self):
        session = self.authenticate(self.internal.login, self.internal.login)
        response = self.call(
            self.token(scope="odoo.read"),
            method="create",
            vals_list=[{"name": "No"}],
            cookies={"session_id": session.sid},
        )
        self.assertLacksScope(response, "odoo.write")

    def test_an_own_session_beside_the_token(self):
        session = self.authenticate(self.internal.login, self.internal.login)
        self.assertAnswers(self.call(self.token(), cookies={"session_id": session.sid}))
