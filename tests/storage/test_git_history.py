"""What the git source reads and says, on real repositories: authors, files, commits of some paths, tags, pushes."""

from __future__ import annotations

import os
import sys

import pytest
from git_repository import FOLDER, MIA, commit, git, status

from lampway.engine.ports import Author
from lampway.errors import NotFoundError, SourceError, UsageError
from lampway.storage.git import GitSource

pytestmark = pytest.mark.usefixtures("nobodys_git")


class TestAuthors:
    def write(self, source, who: str, path: str = f"{FOLDER}/a.json", message: str = "edit") -> str:
        file = source.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{who} {message}")
        return source.commit_paths([path], message, Author(who, f"{who.lower()}@acme.example"))

    def names(self, source, since: str, until: str = "HEAD") -> list[str]:
        return [author.name for author in source.authors(since, until, [FOLDER])]

    def test_only_commits_after_since_that_touch_the_paths_count(self, begun):
        self.write(begun, "Early")
        since = begun.head()
        self.write(begun, "Ada")
        self.write(begun, "Elsewhere", "README.md")
        self.write(begun, "Ben")
        assert self.names(begun, since) == ["Ada", "Ben"]
        assert self.names(begun, "") == ["Early", "Ada", "Ben"]

    def test_each_author_counts_once_whatever_the_case_of_the_address(self, begun):
        since = begun.head()
        self.write(begun, "Ada")
        (begun.root / FOLDER / "a.json").write_text("x")
        begun.commit_paths([FOLDER], "m", Author("Ada L.", "ADA@acme.example"))
        assert self.names(begun, since) == ["Ada"]

    def test_coauthors_count_wherever_the_message_names_them(self, begun):
        since = begun.head()
        message = (
            "m\n\nco-authored-by: Cy <cy@x>\n\nmore words\n\nCo-Authored-By: Di Da <di@x>\nSigned-off-by: No <n@x>"
        )
        self.write(begun, "Ada", message=message)
        assert begun.authors(since, "HEAD", [FOLDER]) == (
            Author("Ada", "ada@acme.example"),
            Author("Cy", "cy@x"),
            Author("Di Da", "di@x"),
        )

    def test_authors_of_side_branches_and_of_reverted_changes_count(self, begun):
        self.write(begun, "Base")
        since = begun.head()
        git(begun.root, "switch", "--quiet", "-c", "side")
        self.write(begun, "Ada")
        git(begun.root, "revert", "--no-edit", "HEAD")
        git(begun.root, "switch", "--quiet", "main")
        git(begun.root, "merge", "--quiet", "--no-ff", "-m", "merge", "side")
        assert self.names(begun, since) == ["Ada", "Otto"]

    def test_a_mailmap_hides_nobody(self, begun):
        since = begun.head()
        self.write(begun, "Ada")
        (begun.root / ".mailmap").write_text("Somebody Else <else@x> <ada@acme.example>\n")
        git(begun.root, "config", "log.mailmap", "true")
        assert self.names(begun, since) == ["Ada"]

    def test_a_history_that_is_cut_off_is_an_error_and_no_shorter_list(self, begun, tmp_path):
        self.write(begun, "Ada")
        self.write(begun, "Ben")
        git(tmp_path, "clone", "--quiet", "--depth=1", begun.root.as_uri(), "shallow")
        with pytest.raises(SourceError, match="cut off") as caught:
            GitSource(tmp_path / "shallow").authors("", "HEAD", [FOLDER])
        assert "unshallow" in caught.value.hint


class TestReading:
    def test_a_commit_made_on_another_machine_is_fetched(self, begun, tmp_path):
        there = tmp_path / "there"
        git(tmp_path, "clone", "--quiet", str(begun.root), str(there))
        made = commit(begun, {"new": b"1"})
        assert GitSource(there).files_at(made, [FOLDER]) == {f"{FOLDER}/new": b"1"}
        with pytest.raises(SourceError):
            GitSource(there).files_at("1" * 40, [FOLDER])

    def test_missing_paths_are_left_out(self, begun):
        assert begun.files_at("HEAD", ["nope", "lampway.yaml"]) == {"lampway.yaml": b"team: orders\n"}

    def test_no_paths_or_a_dot_mean_everything(self, begun):
        new = commit(begun, {"a.json": b"1"})
        assert set(begun.files_at(new, [])) == set(begun.files_at(new, ["."])) == {"lampway.yaml", f"{FOLDER}/a.json"}

    def test_links_are_no_files(self, begun):
        (begun.root / "link").symlink_to("lampway.yaml")
        new = begun.commit_paths(["link"], "link", MIA)
        assert set(begun.files_at(new, [])) == {"lampway.yaml"}

    def test_a_replaced_object_fools_nobody(self, begun):
        old = begun.head()
        (begun.root / "lampway.yaml").write_text("team: forged\n")
        forged = begun.commit_paths(["lampway.yaml"], "forge", MIA)
        git(begun.root, "replace", old, forged)
        assert begun.files_at(old, []) == {"lampway.yaml": b"team: orders\n"}

    @pytest.mark.parametrize("revision", ["nope", "", "--all", "0" * 40, "nul\0"])
    def test_an_unknown_revision_is_not_found(self, begun, revision):
        with pytest.raises(NotFoundError):
            begun.resolve(revision)

    def test_branches_tags_and_short_ids_resolve(self, begun):
        head = begun.head()
        begun.tag("v1", head, "one")
        assert {begun.resolve(name) for name in ("main", "v1", head[:8], head)} == {head}

    def test_a_missing_object_is_an_error(self, begun):
        blob = git(begun.root, "rev-parse", "HEAD:lampway.yaml")
        (begun.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
        with pytest.raises(SourceError):
            begun.files_at("HEAD", [])

    def test_dirty_names_every_kind_of_change_and_nothing_else(self, begun):
        commit(begun, {"a.json": b"1", "b.json": b"1", "c.json": b"1"})
        (begun.root / FOLDER / "a.json").write_bytes(b"2")
        (begun.root / FOLDER / "b.json").rename(begun.root / FOLDER / "neü.json")
        git(begun.root, "add", "-A")
        (begun.root / "elsewhere").write_text("x")
        (begun.root / ".git" / "info" / "exclude").write_text("ignored\n")
        (begun.root / FOLDER / "ignored").write_text("x")
        expected = tuple(f"{FOLDER}/{name}" for name in ("a.json", "b.json", "neü.json"))
        assert begun.dirty([FOLDER]) == expected
        assert begun.dirty([]) == ("elsewhere", *expected)

    def test_looking_takes_no_lock(self, begun):
        (begun.root / ".git" / "index.lock").touch()
        assert begun.dirty([]) == ()


class TestCommittingPaths:
    def test_only_these_paths_go_in_and_the_rest_stays_staged(self, begun):
        (begun.root / "lampway.yaml").write_text("team: two\n")
        (begun.root / "people.yaml").write_text("people: []\n")
        (begun.root / "other.txt").write_text("x")
        git(begun.root, "add", "other.txt")
        new = begun.commit_paths(["lampway.yaml", "people.yaml"], "apply", MIA)
        assert set(begun.files_at(new, [])) == {"lampway.yaml", "people.yaml"}
        assert status(begun) == "A  other.txt"

    def test_a_removed_path_is_removed(self, begun):
        (begun.root / "lampway.yaml").unlink()
        (begun.root / "a").write_text("x")
        new = begun.commit_paths(["lampway.yaml", "a"], "m", MIA)
        assert begun.files_at(new, []) == {"a": b"x"}
        assert status(begun) == ""

    def test_nothing_to_commit_makes_no_commit(self, begun):
        assert begun.commit_paths(["lampway.yaml"], "m", MIA) == begun.head()
        assert git(begun.root, "rev-list", "--count", "HEAD") == "1"

    def test_the_working_tree_wins_over_what_is_half_staged(self, begun):
        (begun.root / "lampway.yaml").write_text("staged")
        git(begun.root, "add", "lampway.yaml")
        (begun.root / "lampway.yaml").write_text("final")
        new = begun.commit_paths(["lampway.yaml"], "m", MIA)
        assert begun.files_at(new, []) == {"lampway.yaml": b"final"}
        assert status(begun) == ""

    def test_an_unknown_path_is_an_error_and_commits_nothing(self, begun):
        head = begun.head()
        with pytest.raises(SourceError):
            begun.commit_paths(["nope.yaml"], "m", MIA)
        assert begun.head() == head


class TestTags:
    def test_a_tag_is_annotated_and_repeating_it_does_nothing(self, begun):
        head = begun.head()
        begun.tag("orders/1.0.0", head, "orders 1.0.0\n\nby hand")
        begun.tag("orders/1.0.0", head, "another message")
        assert git(begun.root, "cat-file", "-t", "orders/1.0.0") == "tag"
        assert "by hand" in git(begun.root, "tag", "-n9", "-l", "orders/1.0.0")

    def test_tags_are_found_by_how_they_begin_with_what_they_say(self, begun):
        said = '{"a":"\u00e4 %(x) \\\\","b":1}'
        begun.tag("lampway/checkpoint-7", begun.head(), said)
        begun.tag("lampway/check", begun.head(), "another")
        begun.tag("checkpoint-7", begun.head(), "another")
        git(begun.root, "tag", "lampway/checkpoint-8")
        assert begun.tagged("lampway/checkpoint-") == {"lampway/checkpoint-7": said, "lampway/checkpoint-8": ""}
        assert begun.tagged("nothing/like-") == {}
        assert begun.tagged("check") == {"checkpoint-7": "another"}

    def test_a_tag_elsewhere_is_an_error(self, begun):
        begun.tag("v1", begun.head(), "one")
        new = commit(begun, {"a.json": b"1"})
        with pytest.raises(SourceError, match="another commit"):
            begun.tag("v1", new, "one")

    @pytest.mark.parametrize("name", ["-d", "a..b", "a b", "", "x.lock"])
    def test_a_name_git_does_not_allow_is_refused(self, begun, name):
        with pytest.raises(UsageError):
            begun.tag(name, begun.head(), "m")


class TestPushing:
    @pytest.fixture
    def remote(self, begun, tmp_path):
        git(tmp_path, "init", "--quiet", "--bare", "-b", "main", "remote.git")
        git(begun.root, "remote", "add", "origin", str(tmp_path / "remote.git"))
        return tmp_path / "remote.git"

    def test_without_a_remote_there_is_none(self, begun):
        assert begun.push(["main"]) is False

    def test_branches_and_tags_arrive(self, begun, remote):
        begun.tag("v1", begun.head(), "one")
        assert begun.push(["main", "refs/tags/v1"]) is True
        assert git(remote, "rev-parse", "main", "v1^{commit}") == "\n".join([begun.head()] * 2)

    def test_only_what_was_asked_for_arrives(self, begun, remote):
        begun.tag("v1", begun.head(), "one")
        git(begun.root, "config", "push.followTags", "true")
        begun.push(["main"])
        assert git(remote, "tag") == ""

    def test_a_remote_that_moved_on_refuses_with_a_hint(self, begun, remote, tmp_path):
        begun.push(["main"])
        git(tmp_path, "clone", "--quiet", str(remote), "clone")
        git(tmp_path / "clone", "commit", "--quiet", "--allow-empty", "-m", "faster")
        git(tmp_path / "clone", "push", "--quiet")
        commit(begun, {"a.json": b"1"})
        with pytest.raises(SourceError, match="rejected") as caught:
            begun.push(["main"])
        assert "git pull" in caught.value.hint

    def test_a_remote_that_is_gone_is_an_error(self, begun):
        git(begun.root, "remote", "add", "origin", str(begun.root / "gone.git"))
        with pytest.raises(SourceError) as caught:
            begun.push(["main"])
        assert caught.value.hint

    @pytest.mark.parametrize("ref", ["+main", "--force", "main:other", ""])
    def test_force_and_tricks_are_refused(self, begun, remote, ref):
        with pytest.raises(UsageError):
            begun.push([ref])

    def test_credentials_in_an_address_are_never_repeated(self, begun):
        word = "hunter" + "22"
        git(begun.root, "remote", "add", "origin", f"http://user:{word}@127.0.0.1:9/x.git")
        with pytest.raises(SourceError) as caught:
            begun.push(["main"])
        assert word not in str(caught.value) + caught.value.hint


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell script as git")
class TestTime:
    def test_a_git_that_hangs_is_given_up_even_when_its_children_stay(self, begun, tmp_path, monkeypatch):
        folder = tmp_path / "bin"
        folder.mkdir()
        fake = folder / "git"
        fake.write_text("#!/bin/sh\nsleep 5 &\nwait\n")
        fake.chmod(0o755)
        slow = GitSource(begun.root, seconds=1.5)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        with pytest.raises(SourceError, match=r"did not finish within 1\.5 seconds") as caught:
            slow.head()
        assert caught.value.hint
