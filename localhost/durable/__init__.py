"""The Durable Functions part: task hub, replay, dispatch, management API.

events    the history's vocabulary
replayer  history + what the worker asked for -> what to do next (pure)
protocol  how a worker is asked (JSON of the 1.x SDK)
hub       SQLite: every change of state is one savepoint
engine    who runs when
api       HTTP, for people and for the client binding
"""
