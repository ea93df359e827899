"""Alembic's entry: runs the migrations on the connection that crm.migrate hands over."""

from alembic import context
from sqlalchemy import Connection

connection = context.config.attributes["connection"]
assert isinstance(connection, Connection), "migrations are run by crm.migrate, not by the alembic command"
context.configure(connection=connection, target_metadata=None, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
