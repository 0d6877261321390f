"""The composition root: the only room that names concrete classes.

A surface opens a `Session` and runs requests through it. Today the use cases run in this process; a session over the
API will take the same requests and give the same answers.
"""

from lampway.app.files import (
    assessment_template,
    cache_folder,
    config_folder,
    find_root,
    init_source,
    initial_files,
    load_working_strategy,
    open_live_watch,
    read_assessment,
    recognise,
    render_document,
    send_traces,
    strategy_changes,
    strategy_effects,
    verify_evidence_file,
)
from lampway.app.keys import (
    add_key,
    find_writer,
    is_key_locked,
    key_path,
    open_key,
    public_key,
    resolve_secret,
    write_key,
)
from lampway.app.login import Login, clean_url, find_login, forget_login, keep_login
from lampway.app.session import LocalSession, Platforms, Session, open_engine, open_scanner, open_worker
from lampway.app.state import (
    STATE,
    STATE_URL,
    SystemClock,
    make_backup,
    open_packages,
    open_second_copy,
    open_state,
    read_file,
    restore_backup,
    write_file,
)

from lampway.engine.context import Engine

__all__ = [
    "STATE",
    "STATE_URL",
    "Engine",
    "LocalSession",
    "Login",
    "Platforms",
    "Session",
    "SystemClock",
    "add_key",
    "assessment_template",
    "cache_folder",
    "clean_url",
    "config_folder",
    "find_login",
    "find_root",
    "find_writer",
    "forget_login",
    "init_source",
    "initial_files",
    "is_key_locked",
    "keep_login",
    "key_path",
    "load_working_strategy",
    "make_backup",
    "open_engine",
    "open_key",
    "open_live_watch",
    "open_packages",
    "open_scanner",
    "open_second_copy",
    "open_state",
    "open_worker",
    "public_key",
    "read_assessment",
    "read_file",
    "recognise",
    "render_document",
    "resolve_secret",
    "restore_backup",
    "send_traces",
    "strategy_changes",
    "strategy_effects",
    "verify_evidence_file",
    "write_file",
    "write_key",
]
