# The formula. "shasum -a 256 ucarp-*.tar.xz" makes its checksum; it is in the SHA256SUMS of ci/release too.
class Ucarp < Formula
  desc "Shares IP addresses between hosts with CARP, from user space"
  homepage "https://example.org/ucarp"
  url "https://example.org/ucarp/releases/download/v2.0.0-dev/ucarp-2.0.0-dev.tar.xz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license "BSD-2-Clause"

  # It reads its catalogues itself, without libintl.
  depends_on "gettext" => :build
  depends_on "rust" => :build
  uses_from_macos "libpcap"

  # The crates are in the archive.
  def install
    ENV["CARGO_NET_OFFLINE"] = "true"
    ENV["LOCALEDIR"] = share/"locale"
    ENV["RUSTFLAGS"] = "--remap-path-prefix=#{buildpath}=."
    system "cargo", "build", "--release", "--locked", "--no-default-features"
    with_env(PREFIX: prefix, SYSCONFDIR: etc, SERVICES: "") do
      system "ci/install"
    end
  end

  # Its log is that of the system, and what it prints.
  service do
    run [opt_sbin/"ucarp", "--config=#{etc}/ucarp/ucarp.toml"]
    require_root true
    keep_alive crashed: true
    log_path var/"log/ucarp.log"
    error_log_path var/"log/ucarp.log"
  end

  def caveats
    <<~EOS
      #{share}/examples/ucarp/ucarp.toml, changed for this network, becomes #{etc}/ucarp/ucarp.toml.
      Whoever may write to Homebrew's folders can change what root runs then.
    EOS
  end

  test do
    assert_match version.to_s, shell_output("#{sbin}/ucarp --version")
    system sbin/"ucarp", "--check=syntax", "--config=#{share}/examples/ucarp/ucarp.toml"
  end
end
