"""What the git source promises, on real repositories."""

from __future__ import annotations

import os
import stat

import pytest
from git_repository import FOLDER, MIA, commit, git, status

from lampway.engine.ports import Author
from lampway.errors import RefusedError, SourceError, UsageError
from lampway.storage import git_tree
from lampway.storage.git import GitSource

pytestmark = pytest.mark.usefixtures("nobodys_git")


class TestOpening:
    def test_a_new_repository_starts_on_main_without_a_commit(self, source):
        assert source.branch() == "main"
        assert source.head() == ""

    def test_making_a_repository_twice_changes_nothing(self, begun):
        assert GitSource.init(begun.root).head() == begun.head()

    def test_a_folder_without_a_repository_says_how_to_make_one(self, tmp_path):
        with pytest.raises(SourceError) as caught:
            GitSource(tmp_path)
        assert "lampway init" in caught.value.hint

    @pytest.mark.parametrize("way", [GitSource, GitSource.init])
    def test_a_part_of_a_bigger_repository_is_refused(self, begun, way):
        part = begun.root / "governance"
        part.mkdir()
        with pytest.raises(RefusedError, match="bigger repository") as caught:
            way(part)
        assert caught.value.hint

    def test_a_bare_repository_is_refused_with_a_hint(self, tmp_path):
        git(tmp_path, "init", "--quiet", "--bare", "bare.git")
        with pytest.raises(SourceError) as caught:
            GitSource(tmp_path / "bare.git")
        assert "clone" in caught.value.hint

    def test_a_missing_git_says_so(self, begun, monkeypatch):
        monkeypatch.setenv("PATH", "")
        with pytest.raises(SourceError, match="not installed") as caught:
            begun.head()
        assert caught.value.hint

    def test_variables_that_hooks_set_do_not_lead_elsewhere(self, begun, tmp_path, monkeypatch):
        head = begun.head()
        git(tmp_path, "init", "--quiet", "other")
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
        monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other-index"))
        assert GitSource(begun.root).head() == head
        assert begun.dirty([]) == ()


class TestCommittingAFolder:
    def test_the_folder_holds_exactly_the_files(self, begun):
        commit(begun, {"a.json": b"1", "deep/er/b.json": b"2"})
        new = commit(begun, {"deep/er/b.json": b"3", "c.json": b"4"})
        expected = {f"{FOLDER}/c.json": b"4", f"{FOLDER}/deep/er/b.json": b"3"}
        assert begun.files_at(new, [FOLDER]) == expected
        assert begun.head() == new

    def test_the_first_commit_of_a_repository_can_be_one(self, source):
        new = commit(source, {"a.json": b"1"})
        assert source.head() == new
        assert git(source.root, "rev-list", "--count", "HEAD") == "1"
        assert status(source) == ""

    def test_everything_else_in_the_parent_stays(self, begun):
        new = commit(begun, {"a.json": b"1"})
        assert begun.files_at(new, ["lampway.yaml"]) == {"lampway.yaml": b"team: orders\n"}

    def test_the_working_tree_follows(self, begun):
        commit(begun, {"a.json": b"1", "old/b.json": b"2"})
        commit(begun, {"a.json": b"changed"})
        folder = begun.root / FOLDER
        assert (folder / "a.json").read_bytes() == b"changed"
        assert not (folder / "old").exists()
        assert status(begun) == ""

    def test_the_same_files_again_make_no_commit(self, begun):
        first = commit(begun, {"a.json": b"1"})
        assert commit(begun, {"a.json": b"1"}) == first
        assert begun.head() == first

    def test_no_files_empty_the_folder(self, begun):
        commit(begun, {"a.json": b"1"})
        new = commit(begun, {})
        assert begun.files_at(new, [FOLDER]) == {}
        assert not (begun.root / FOLDER).exists()

    @pytest.mark.parametrize("content", [b"", b"\0\xff\r\n", b"no line feed", b"data 3\nblob\n", b"a\r\nb\r\n"])
    def test_contents_are_kept_byte_for_byte(self, begun, content):
        new = commit(begun, {"a.bin": content})
        assert begun.files_at(new, [FOLDER])[f"{FOLDER}/a.bin"] == content

    @pytest.mark.parametrize(
        "name",
        [
            "Bestellung übernehmen.json",
            'say "hi".json',
            "*.json",
            "[a].json",
            ":(top)x",
            "a b\tc.json",
            "-n",
            "日本.json",
        ],
    )
    def test_odd_file_names_are_kept(self, begun, name):
        commit(begun, {name: b"1", "x.json": b"1"})
        new = commit(begun, {name: b"2", "x.json": b"1"})
        assert begun.files_at(new, [f"{FOLDER}/{name}"]) == {f"{FOLDER}/{name}": b"2"}
        assert (begun.root / FOLDER / name).read_bytes() == b"2"
        assert status(begun) == ""

    @pytest.mark.parametrize("name", ["../up", "/abs", "a//b", "", "a/./b", ".git/config", "sub/.GIT/x", "nul\0"])
    def test_names_that_leave_the_folder_are_refused(self, begun, name):
        with pytest.raises(UsageError):
            commit(begun, {name: b"1"})

    def test_a_name_that_is_both_file_and_folder_is_refused(self, begun):
        with pytest.raises(UsageError):
            commit(begun, {"a": b"1", "a/b": b"2"})

    @pytest.mark.parametrize("folder", ["", ".", "..", "/etc", "a/../../b"])
    def test_a_folder_outside_or_the_whole_is_refused(self, begun, folder):
        with pytest.raises(UsageError):
            begun.commit_tree(folder, {"a": b"1"}, "m", MIA, begun.head())

    def test_a_file_may_become_a_folder_and_back(self, begun):
        commit(begun, {"a": b"1"})
        commit(begun, {"a/b": b"2"})
        new = commit(begun, {"a": b"3"})
        assert begun.files_at(new, [FOLDER]) == {f"{FOLDER}/a": b"3"}
        assert status(begun) == ""

    def test_what_is_staged_or_changed_elsewhere_stays_as_it_is(self, begun):
        (begun.root / "staged.txt").write_text("staged")
        git(begun.root, "add", "staged.txt")
        (begun.root / "lampway.yaml").write_text("team: edited\n")
        (begun.root / "untracked.txt").write_text("untracked")
        before = status(begun)
        new = commit(begun, {"a.json": b"1"})
        assert status(begun) == before
        assert set(begun.files_at(new, [])) == {"lampway.yaml", f"{FOLDER}/a.json"}

    def test_ignored_names_are_committed_all_the_same(self, begun):
        (begun.root / ".gitignore").write_text("*.json\n")
        new = commit(begun, {"a.json": b"1"})
        assert f"{FOLDER}/a.json" in begun.files_at(new, [])

    def test_line_ending_settings_do_not_change_what_is_committed(self, begun):
        git(begun.root, "config", "core.autocrlf", "true")
        new = commit(begun, {"a.json": b"1\n", "b.json": b"1\r\n"})
        assert begun.files_at(new, [FOLDER]) == {f"{FOLDER}/a.json": b"1\n", f"{FOLDER}/b.json": b"1\r\n"}
        assert status(begun) == ""
        assert commit(begun, {"a.json": b"1\n", "b.json": b"1\r\n"}) == new

    def test_a_moved_clock_on_files_is_no_change(self, begun):
        commit(begun, {"a.json": b"1"})
        os.utime(begun.root / FOLDER / "a.json", (1, 1))
        assert commit(begun, {"a.json": b"2"}) == begun.head()

    def test_works_with_the_other_hash(self, tmp_path):
        git(tmp_path, "init", "--quiet", "--object-format=sha256", "-b", "main", "long")
        source = GitSource(tmp_path / "long")
        new = commit(source, {"a.json": b"1"})
        newer = commit(source, {"b.json": b"1"})
        assert len(new) == len(newer) == 64
        assert source.files_at(newer, []) == {f"{FOLDER}/b.json": b"1"}

    def test_hooks_of_git_commit_have_no_say(self, begun):
        hook = begun.root / ".git" / "hooks" / "pre-commit"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
        assert commit(begun, {"a.json": b"1"}) == begun.head()

    def test_two_thousand_files_go_in_and_come_back(self, begun):
        files = {f"tab-{n % 40}/node-{n}.json": b'{"id": %d}\n' % n for n in range(2000)}
        new = commit(begun, files)
        assert begun.files_at(new, [FOLDER]) == {f"{FOLDER}/{path}": data for path, data in files.items()}
        assert status(begun) == ""


class TestRefusing:
    @pytest.mark.parametrize("kind", ["changed", "staged", "untracked", "deleted"])
    def test_uncommitted_changes_in_the_folder(self, begun, kind):
        head = commit(begun, {"a.json": b"1"})
        file = begun.root / FOLDER / ("b.json" if kind == "untracked" else "a.json")
        if kind == "deleted":
            file.unlink()
        else:
            file.write_bytes(b"mine")
        if kind == "staged":
            git(begun.root, "add", "-A")
        with pytest.raises(RefusedError, match="uncommitted changes") as caught:
            commit(begun, {"a.json": b"2"})
        assert FOLDER in caught.value.hint
        assert begun.head() == head
        assert kind == "deleted" or file.read_bytes() == b"mine"

    def test_an_ignored_file_that_would_be_overwritten(self, begun):
        (begun.root / ".gitignore").write_text("*.log\n")
        mine = begun.root / FOLDER / "a.log"
        mine.parent.mkdir(parents=True)
        mine.write_text("mine")
        with pytest.raises(RefusedError, match=r"a\.log"):
            commit(begun, {"a.log": b"theirs"})
        assert mine.read_text() == "mine"

    def test_a_branch_that_moved(self, begun):
        old = begun.head()
        head = commit(begun, {"a.json": b"1"})
        with pytest.raises(RefusedError, match="moved") as caught:
            begun.commit_tree(FOLDER, {"b.json": b"1"}, "m", MIA, old)
        assert caught.value.hint
        assert begun.head() == head
        assert status(begun) == ""

    def test_a_branch_that_moves_at_the_last_moment(self, begun, monkeypatch):
        parent = begun.head()
        follow = git_tree.follow

        def late(*arguments):
            git(begun.root, "commit", "--quiet", "--allow-empty", "-m", "faster")
            follow(*arguments)

        monkeypatch.setattr(git_tree, "follow", late)
        with pytest.raises(RefusedError, match="moved"):
            commit(begun, {"a.json": b"1"})
        assert git(begun.root, "log", "-1", "--format=%s") == "faster"
        assert begun.head() != parent
        assert status(begun) == ""

    def test_a_first_commit_where_there_is_one_already(self, begun):
        with pytest.raises(RefusedError, match="moved"):
            begun.commit_tree(FOLDER, {"b.json": b"1"}, "m", MIA, "")

    def test_a_detached_head(self, begun):
        git(begun.root, "checkout", "--quiet", "--detach")
        assert begun.branch() == ""
        with pytest.raises(RefusedError, match="detached") as caught:
            commit(begun, {"a.json": b"1"})
        assert "git switch" in caught.value.hint

    def test_a_merge_under_way(self, begun):
        git(begun.root, "switch", "--quiet", "-c", "side")
        git(begun.root, "commit", "--quiet", "--allow-empty", "-m", "side")
        git(begun.root, "switch", "--quiet", "main")
        git(begun.root, "merge", "--quiet", "--no-ff", "--no-commit", "side")
        with pytest.raises(RefusedError, match="a merge is under way"):
            commit(begun, {"a.json": b"1"})
        with pytest.raises(RefusedError, match="a merge is under way"):
            begun.commit_paths(["lampway.yaml"], "m", MIA)

    def test_another_git_at_work_changes_nothing(self, begun):
        head = begun.head()
        (begun.root / ".git" / "index.lock").touch()
        with pytest.raises(RefusedError) as caught:
            commit(begun, {"a.json": b"1"})
        assert "index.lock" in caught.value.hint
        assert begun.head() == head


class TestInterrupted:
    @pytest.fixture
    def stopped(self, begun, monkeypatch):
        """Stopped after the branch moved, before the working tree followed."""
        commit(begun, {"a.json": b"1", "gone.json": b"1"})

        def die(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            read = git_tree._read_tree
            patch.setattr(git_tree, "_read_tree", lambda git, span, *o: read(git, span, *o) if o else die())
            with pytest.raises(KeyboardInterrupt):
                commit(begun, {"a.json": b"2", "new.json": b"2"})
        assert status(begun) != ""
        return begun

    def test_the_next_call_brings_the_working_tree_along(self, stopped):
        head = stopped.head()
        assert commit(stopped, {"a.json": b"2", "new.json": b"2"}) == head
        assert status(stopped) == ""
        assert commit(stopped, {"a.json": b"3"}) == stopped.head()

    def test_what_was_edited_since_is_not_overwritten(self, stopped):
        (stopped.root / FOLDER / "a.json").write_bytes(b"mine")
        with pytest.raises(RefusedError, match="uncommitted changes"):
            commit(stopped, {"a.json": b"3"})
        assert (stopped.root / FOLDER / "a.json").read_bytes() == b"mine"


class TestPeople:
    def test_the_author_is_the_one_given_and_commits_where_git_knows_nobody(self, begun):
        commit(begun, {"a.json": b"1"})
        assert git(begun.root, "log", "-1", "--format=%an|%ae|%cn|%ce") == "|".join(
            ["Mia Maker", "mia@acme.example"] * 2
        )

    def test_the_committer_is_who_git_knows(self, begun):
        git(begun.root, "config", "user.name", "Release Robot")
        git(begun.root, "config", "user.email", "robot@acme.example")
        commit(begun, {"a.json": b"1"})
        assert git(begun.root, "log", "-1", "--format=%an|%cn") == "Mia Maker|Release Robot"
        assert begun.identity() == Author("Release Robot", "robot@acme.example")

    def test_nobody_known_is_nobody(self, begun):
        assert begun.identity() == Author("", "")

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            (Author("Zoë O'Neil, Jr.", "zoë@acme.example"), ("Zoë O'Neil, Jr", "zoë@acme.example")),
            (Author("<script>\n", "a@b\n"), ("script", "a@b")),
            (Author("", "solo@acme.example"), ("solo", "solo@acme.example")),
            (Author("...", ""), ("unknown", "")),
            (Author("nul\0 \x1b[0m", "n@x"), ("nul [0m", "n@x")),
            (Author("\ud800", "n@x"), ("?", "n@x")),
        ],
    )
    def test_odd_names_never_stop_a_release(self, begun, given, kept):
        new = commit(begun, {"a.json": b"1"}, author=given)
        (author,) = begun.authors(f"{new}~1", new, [FOLDER])
        assert (author.name, author.email) == kept

    def test_messages_are_kept_as_they_are(self, begun):
        commit(begun, {"a.json": b"1"}, "orders 1.0.0 — für Zoë\n\n# no comment\n")
        assert git(begun.root, "log", "-1", "--format=%B").rstrip() == "orders 1.0.0 — für Zoë\n\n# no comment"
