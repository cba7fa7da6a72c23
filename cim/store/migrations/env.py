"""Alembic's entry: runs the migrations on the connection handed over by ``cim.store.migrating``."""

from alembic import context

from cim.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table_schema="cim",
    include_schemas=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
