"""Consumers have one reader at a time, and know whether they were read."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Of those that are there already, one is taken to have been read.
    op.add_column(
        "consumers",
        sa.Column("was_read", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
    op.add_column(
        "consumers",
        sa.Column("reader_number", sa.Integer(), nullable=False, server_default="0"),
    )
