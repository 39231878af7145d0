import pytest

from runhook.domain.errors import ForbiddenError
from runhook.domain.people.callers import Actor, ActorKind, Caller, Grant
from runhook.domain.people.permissions import Permission, PermissionSet, Role
from runhook.domain.runs.run import AccountId

READING = {Permission.READ_ACCOUNT, Permission.READ_WEBHOOKS, Permission.READ_RUNS}

MAY = {
    PermissionSet.ACCOUNT_ADMIN: set(Permission) - {Permission.MANAGE_OWNERS},
    PermissionSet.WEBHOOKS_ONLY: {
        Permission.READ_ACCOUNT,
        Permission.READ_WEBHOOKS,
        Permission.WRITE_WEBHOOKS,
        Permission.CONSUME_EVENTS,
    },
    PermissionSet.JOB_RUNNER: {
        Permission.READ_ACCOUNT,
        Permission.READ_RUNS,
        Permission.REPORT_RUNS,
        Permission.CANCEL_RUNS,
    },
    PermissionSet.READ_ONLY: READING,
    PermissionSet.CONSUMER: {Permission.READ_ACCOUNT, Permission.CONSUME_EVENTS},
    Role.OWNER: set(Permission),
    Role.ADMIN: set(Permission) - {Permission.MANAGE_OWNERS},
    Role.MEMBER: {
        *READING,
        Permission.WRITE_WEBHOOKS,
        Permission.CONSUME_EVENTS,
        Permission.CANCEL_RUNS,
        Permission.CHANGE_JOBS,
        Permission.READ_MEMBERS,
    },
    Role.VIEWER: {*READING, Permission.READ_MEMBERS},
}


@pytest.mark.parametrize("authority", [*PermissionSet, *Role])
def test_a_permission_set_or_role_allows_what_the_table_says(authority: PermissionSet | Role):
    assert authority.permissions == MAY[authority]


def test_the_names_on_tokens_are_those_of_dbt_cloud_and_three_of_ours():
    assert [one.value for one in PermissionSet] == [
        "account_admin",
        "webhooks_only",
        "job_runner",
        "read_only",
        "consumer",
    ]


@pytest.mark.parametrize("permission", Permission)
def test_a_caller_may_do_what_its_permissions_hold_and_nothing_else(permission: Permission):
    caller = Caller(
        account_id=AccountId(1),
        account_identifier="act_1",
        actor=Actor(kind=ActorKind.TOKEN, id=1, name="ci"),
        permissions=PermissionSet.READ_ONLY.permissions,
        authority=PermissionSet.READ_ONLY,
    )

    if permission in READING:
        assert caller.using(permission).actor.grant == Grant(
            account_id=AccountId(1), permission=permission
        )
    else:
        with pytest.raises(ForbiddenError) as refused:
            caller.using(permission)
        assert refused.value.message == (
            f"This token's permission set, read_only, does not allow to {permission}."
        )


def test_a_user_acts_in_one_session_and_hears_of_the_role():
    user = Caller(
        account_id=AccountId(1),
        account_identifier="act_1",
        actor=Actor(kind=ActorKind.USER, id=1, name="ada@example.com"),
        permissions=Role.VIEWER.permissions,
        authority=Role.VIEWER,
        session_id=7,
    )

    assert user.using(Permission.READ_RUNS).actor.grant == Grant(
        account_id=AccountId(1), permission=Permission.READ_RUNS, session_id=7
    )
    with pytest.raises(ForbiddenError) as refused:
        user.using(Permission.MANAGE_OWNERS)
    assert refused.value.message == (
        f"Your role in this account, {Role.VIEWER}, does not allow to {Permission.MANAGE_OWNERS}."
    )
