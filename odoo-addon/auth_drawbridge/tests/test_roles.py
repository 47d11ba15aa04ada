import json

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..models.drawbridge_event import QUEUE
from .common import DrawbridgeCase


@tagged("post_install", "-at_install")
class TestRoles(DrawbridgeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["drawbridge.bridge"]._public_key()
        cls.group = cls.env["res.groups"].create({"name": "Warehouse"})
        cls.wider = cls.env["res.groups"].create(
            {"name": "Warehouse managers", "implied_ids": [(4, cls.group.id)]}
        )
        cls.person = new_test_user(cls.env, "roles-person", groups="base.group_user")
        cls.manager = new_test_user(cls.env, "roles-manager", groups="base.group_user")
        cls.person.group_ids += cls.group
        cls.manager.group_ids += cls.wider

    def roles(self, user):
        body = json.dumps({"uid": user.id}).encode()
        return self.assertAnswers(self.ask_as_bridge("/auth_drawbridge/1/profile", body))["roles"]

    def give(self, group, role):
        return self.env["drawbridge.role"].create({"group_id": group.id, "role": role})

    def assertTells(self, change, *users):
        self.env.flush_all()
        self.env.cr.postcommit.clear()
        change()
        self.env.flush_all()
        self.assertEqual(self.env.cr.postcommit.data[QUEUE].uids, {user.id for user in users})
        self.env.cr.postcommit.clear()

    def test_in_the_profile_of_members_also_by_way_of_another_group(self):
        self.assertEqual(self.roles(self.person), [])
        self.give(self.group, "warehouse")
        self.give(self.wider, "stock.lead")
        self.give(self.wider, "warehouse")
        self.assertEqual(self.roles(self.person), ["warehouse"])
        self.assertEqual(self.roles(self.manager), ["stock.lead", "warehouse"])
        self.assertEqual(self.roles(self.env.ref("base.user_admin")), [])

    def test_a_change_has_the_bridge_look_at_the_members(self):
        both = (self.person, self.manager)
        made = []
        self.assertTells(lambda: made.append(self.give(self.group, "warehouse")), *both)
        [role] = made
        self.assertTells(lambda: role.write({"role": "store"}), *both)
        self.assertTells(lambda: role.write({"group_id": self.wider.id}), *both)
        self.assertTells(lambda: role.write({"group_id": self.group.id}), *both)
        role.write({"group_id": self.wider.id})
        self.assertTells(lambda: role.write({"role": "again"}), self.manager)
        self.assertTells(lambda: role.unlink(), self.manager)
        self.give(self.wider, "warehouse")
        self.assertTells(lambda: self.wider.unlink(), self.manager)
        self.assertEqual(self.roles(self.manager), [])

    def test_a_role_is_one_word(self):
        for role in ("two words", "Admin", "größe", "", "x" * 65, "a\n", "a:b"):
            with self.subTest(role), self.assertRaises(ValidationError):
                self.give(self.group, role)
        self.give(self.group, "x" * 64)
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self.give(self.group, "x" * 64)

    def test_for_administrators_only(self):
        role = self.give(self.group, "warehouse")
        users = [
            self.person,
            new_test_user(self.env, "roles-portal", groups="base.group_portal"),
            new_test_user(self.env, "roles-erp", groups="base.group_user,base.group_erp_manager"),
        ]
        for user in users:
            theirs = self.env["drawbridge.role"].with_user(user)
            with self.subTest(user.login):
                with self.assertRaises(AccessError):
                    theirs.search([])
                with self.assertRaises(AccessError):
                    theirs.create({"group_id": self.group.id, "role": "admin"})
                with self.assertRaises(AccessError):
                    role.with_user(user).write({"role": "admin"})
                with self.assertRaises(AccessError):
                    role.with_user(user).unlink()
