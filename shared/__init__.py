"""What Mend knows and how it decides. Imports point downwards, and import-linter checks it.

container                      which class serves which port
settings                       environment -> frozen settings
usecases | connectors | stores what the system does | outside systems | where it is kept
ports                          what the use cases need from outside
intake | diagnosis | policy | actions   pure knowledge
domain                         values and legal moves
"""
