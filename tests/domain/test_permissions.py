import pytest

from runhook.domain.permissions import GRANTS, Permission, PermissionSet

YES, NO = True, False

TABLE = {
    PermissionSet.ACCOUNT_ADMIN: {
        Permission.READ_WEBHOOKS: YES,
        Permission.WRITE_WEBHOOKS: YES,
        Permission.READ_RUNS: YES,
        Permission.REPORT_RUNS: YES,
        Permission.CANCEL_RUNS: YES,
    },
    PermissionSet.WEBHOOKS_ONLY: {
        Permission.READ_WEBHOOKS: YES,
        Permission.WRITE_WEBHOOKS: YES,
        Permission.READ_RUNS: NO,
        Permission.REPORT_RUNS: NO,
        Permission.CANCEL_RUNS: NO,
    },
    PermissionSet.JOB_RUNNER: {
        Permission.READ_WEBHOOKS: NO,
        Permission.WRITE_WEBHOOKS: NO,
        Permission.READ_RUNS: YES,
        Permission.REPORT_RUNS: YES,
        Permission.CANCEL_RUNS: YES,
    },
    PermissionSet.READ_ONLY: {
        Permission.READ_WEBHOOKS: YES,
        Permission.WRITE_WEBHOOKS: NO,
        Permission.READ_RUNS: YES,
        Permission.REPORT_RUNS: NO,
        Permission.CANCEL_RUNS: NO,
    },
}


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("permission_set", PermissionSet)
def test_a_permission_set_grants_what_the_table_says(permission_set, permission):
    assert permission_set.grants(permission) is TABLE[permission_set][permission]


def test_every_permission_set_grants_something():
    assert set(GRANTS) == set(PermissionSet)
    assert all(GRANTS.values())


def test_the_names_on_tokens_are_those_of_dbt_cloud_and_two_of_ours():
    assert [one.value for one in PermissionSet] == [
        "account_admin",
        "webhooks_only",
        "job_runner",
        "read_only",
    ]
