"""Who is calling: the credentials of webhook senders, and tokens of Entra ID.

``credentials.py`` reads what senders may show, ``webhooks.py`` looks whether a request shows it,
``entra.py`` checks tokens against the keys of their issuer, ``urls.py`` says where a secret may be
sent. Nothing here decides what a caller may do.
"""
