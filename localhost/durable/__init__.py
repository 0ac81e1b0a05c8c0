"""The Durable Functions part: task hub, replay, dispatch, management API.

* ``events``, ``history``: the history's vocabulary, and one history in memory
* ``replayer`` (with ``performer``, ``ledger``, ``promise``): history + what the worker
  asked for -> what is new; pure
* ``protocol`` (with ``actions``, ``decisions``): how a worker is asked
* ``episode``: one turn of one instance; pure
* ``hub`` (with ``writer``, ``readers``, ``schema``, ``tables``): SQLite
* ``engine`` (with ``activities``, ``entities``, ``alarms``, ``replays``): who runs when
* ``api``, ``status``, ``binding``: HTTP, for people and for the client binding
"""
