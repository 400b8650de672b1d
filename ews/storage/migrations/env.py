"""Alembic's entry: runs the steps on the connection that `ews.storage.migrate` has begun."""

from alembic import context

from ews.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot ALTER most things in place
    transactional_ddl=True,
)
context.run_migrations()
