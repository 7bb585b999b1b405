#!/usr/bin/env bash
# Builds the Debian package, installs it, tries what it brought, and removes it again.
#
# Needs root, dpkg, Python 3 and cargo-deb (cargo install cargo-deb). PROFILE=dev makes a quick build instead
# of the one that is shipped; TARGET=x86_64-unknown-linux-gnu takes the program that packaging/build.py has
# built for that target. The package stays in target/debian/.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "check-deb: $*" >&2; exit 1; }
ok() { echo "ok  $*"; }

command -v dpkg >/dev/null || fail "dpkg is not here: this is no Debian"
cargo deb --version >/dev/null 2>&1 || fail "cargo-deb is not here: cargo install cargo-deb"
[ "$(id -u)" = 0 ] || fail "installing a package needs root"
if dpkg-query -W -f='${Status}' payout-notify 2>/dev/null | grep -q 'ok installed'; then
    fail "payout-notify is installed already; it is not touched"
fi

work=$(mktemp -d)
trap 'dpkg --purge payout-notify >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
mkdir -p target
python3 packaging/licences.py "${TARGET:-$(rustc -vV | sed -n 's/^host: //p')}" >target/THIRD-PARTY-LICENSES.txt
cargo deb --locked --profile "${PROFILE:-dist}" --features mcp ${TARGET:+--no-build --target "$TARGET"} --output "$work/payout-notify.deb" --quiet >/dev/null
deb=$work/payout-notify.deb
ok "built: $(stat -c %s "$deb") bytes"

# Every file of the package in its place, and no file elsewhere.
dpkg-deb --fsys-tarfile "$deb" | tar -t | grep -v '/$' | sed 's|^\./||' | sort >"$work/has"
{
    echo usr/bin/payout-notify
    for page in man/*.1; do echo "usr/share/man/man1/$(basename "$page").gz"; done
    echo usr/share/bash-completion/completions/payout-notify
    echo usr/share/zsh/vendor-completions/_payout-notify
    echo usr/share/fish/vendor_completions.d/payout-notify.fish
    for file in README.md CHANGELOG.md THIRD-PARTY-LICENSES.txt copyright; do echo "usr/share/doc/payout-notify/$file"; done
} | sort >"$work/expected"
# A long document may be packed.
sed -i 's|\(\.md\|\.txt\)\.gz$|\1|' "$work/has"
diff "$work/expected" "$work/has" || fail "the package's files (>) are not the expected ones (<)"
ok "$(wc -l <"$work/has") files, each in its place"

dpkg -i "$deb" >"$work/install.log" 2>&1 || { cat "$work/install.log" >&2; fail "dpkg -i failed"; }
ok "installed"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
[ "$(/usr/bin/payout-notify --version)" = "payout-notify $version" ] || fail "another version runs"
/usr/bin/payout-notify demo >"$work/demo" || fail "the demo fails"
ok "runs: version $version, and the demo ends well"

# An image that leaves documents out (a rule of dpkg's) has them in the package, but not here.
there() {
    if [ -s "$1" ]; then
        ok "there: $1"
    elif grep -rqs "^path-exclude" /etc/dpkg/dpkg.cfg.d; then
        echo "--  $1 is in the package; this machine's dpkg leaves such files out"
    else
        fail "$1 is not there"
    fi
}
there /usr/share/man/man1/payout-notify-inbox-list.1.gz
there /usr/share/doc/payout-notify/copyright
cmp completions/payout-notify.bash /usr/share/bash-completion/completions/payout-notify
ok "bash's completions are the committed ones"
if command -v man >/dev/null && [ -s /usr/share/man/man1/payout-notify.1.gz ]; then
    MANPAGER=cat man payout-notify-sign | grep -q -- --sign-type || fail "man does not show the page"
    ok "man shows the page"
fi

dpkg --purge payout-notify >/dev/null
[ ! -e /usr/bin/payout-notify ] || fail "the program stayed behind"
ok "removed"
mkdir -p target/debian
cp "$deb" "target/debian/payout-notify_${version}_$(dpkg --print-architecture).deb"
