"""The people.yaml that the tests of configuration begin from."""

PEOPLE = b"""\
people:
  ada:
    name: Ada
    email: ada@example.com
    roles: [maker]
  bob: {name: Bob, emails: [bob@example.com, b@example.org], roles: [approver, platform-admin]}
"""
