// SPDX-License-Identifier: MIT
// The command line of blendfs.
#include "unionfs/tools/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <string>
#include <vector>

namespace blendfs::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

tl::expected<Options, std::string> Parse(std::vector<std::string> arguments, bool privileged = true,
                                         std::string program = "blendfs") {
  return ParseOptions({std::move(program), std::move(arguments), privileged});
}

Options Good(std::vector<std::string> arguments, bool privileged = true,
             std::string program = "blendfs") {
  auto options = Parse(std::move(arguments), privileged, std::move(program));
  EXPECT_TRUE(options.has_value()) << options.error();
  return options ? *options : Options{};
}

std::string Bad(std::vector<std::string> arguments) {
  auto options = Parse(std::move(arguments));
  EXPECT_FALSE(options.has_value());
  return options ? "" : options.error();
}

TEST(Split, KeepsEscapedSeparatorsAndTheEscapes) {
  EXPECT_THAT(SplitUnescaped("a,b\\,c,d", ','), ElementsAre("a", "b\\,c", "d"));
  EXPECT_THAT(SplitUnescaped("", ','), ElementsAre(""));
  EXPECT_THAT(SplitUnescaped("a,", ','), ElementsAre("a", ""));
  EXPECT_THAT(SplitUnescaped("a\\\\,b", ','), ElementsAre("a\\\\", "b"));
}

TEST(Unescape, TakesOneBackslashAway) {
  EXPECT_EQ(Unescape("a\\:b\\\\c\\,"), "a:b\\c,");
  EXPECT_EQ(Unescape("end\\"), "end\\");
}

TEST(Options, TheUsualCommandLine) {
  Options options = Good({"-o", "lowerdir=/a:/b,upperdir=/u,workdir=/w", "/mnt"});
  EXPECT_EQ(options.action, Options::Action::kMount);
  EXPECT_THAT(options.stack.lowers, ElementsAre("/a", "/b"));
  EXPECT_EQ(options.stack.upper, "/u");
  EXPECT_EQ(options.stack.work, "/w");
  EXPECT_EQ(options.session.mount.target, "/mnt");
  EXPECT_EQ(options.session.mount.source, "blendfs");
  EXPECT_FALSE(options.foreground);
  EXPECT_FALSE(options.root_file_system);
  EXPECT_TRUE(options.session.passthrough);
  EXPECT_THAT(options.notes, IsEmpty());
}

TEST(Options, AnyOrderAndJoinedWords) {
  Options options =
      Good({"/mnt", "-f", "-olowerdir=/a", "-o", "upperdir=/u", "-oworkdir=/w,threads=3"});
  EXPECT_TRUE(options.foreground);
  EXPECT_EQ(options.session.mount.target, "/mnt");
  EXPECT_EQ(options.stack.upper, "/u");
  EXPECT_EQ(options.session.threads, 3u);
}

TEST(Options, EscapesInNames) {
  Options options =
      Good({"-o", R"(lowerdir=/a\:b:/c\,d:/e\\f,upperdir=/u\,v,workdir=/w\:x)", "/mnt"});
  EXPECT_THAT(options.stack.lowers, ElementsAre("/a:b", "/c,d", "/e\\f"));
  EXPECT_EQ(options.stack.upper, "/u,v");
  EXPECT_EQ(options.stack.work, "/w:x");
}

TEST(Options, ALaterWordWins) {
  Options options = Good({"-o", "lowerdir=/a:/b,lowerdir=/c,ro,rw,upperdir=/u,workdir=/w", "/mnt"});
  EXPECT_THAT(options.stack.lowers, ElementsAre("/c"));
  EXPECT_EQ(options.session.mount.flags & MS_RDONLY, 0u);
}

TEST(Options, AsMountHelpersCallIt) {
  Options options = Good({"none", "/mnt", "-o",
                          "rw,nosuid,dev,noatime,lowerdir=/a,upperdir=/u,workdir=/"
                          "w,x-systemd.requires=/a,_netdev,defaults",
                          "-t", "fuse.blendfs", "-n"});
  EXPECT_EQ(options.session.mount.source, "none");
  EXPECT_EQ(options.session.mount.target, "/mnt");
  EXPECT_EQ(options.session.mount.flags, static_cast<unsigned long>(MS_NOSUID | MS_NOATIME));
}

TEST(Options, TheSwitchesOfMountToItsHelpers) {
  const std::string helper = "/usr/sbin/mount.fuse.blendfs";
  Options options = Good({"none", "/mnt", "-nv", "-o", "lowerdir=/a"}, true, helper);
  EXPECT_EQ(options.action, Options::Action::kMount);
  EXPECT_FALSE(options.foreground);
  EXPECT_EQ(Good({"none", "/mnt", "-f", "-o", "lowerdir=/a"}, true, helper).action,
            Options::Action::kNothing);
  EXPECT_EQ(Good({"none", "/mnt", "-s", "-o", "lowerdir=/a,strange"}, true, helper).action,
            Options::Action::kMount);
  EXPECT_FALSE(Parse({"none", "/mnt", "-o", "lowerdir=/a,strange"}, true, helper).has_value());
}

TEST(Options, ARemountNeedsNoLayersAndTakesWhatTheKernelShows) {
  Options options =
      Good({"none", "/mnt", "-o",
            "ro,remount,relatime,user_id=0,group_id=0,default_permissions,allow_other"});
  EXPECT_EQ(options.action, Options::Action::kRemount);
  EXPECT_EQ(options.session.mount.target, "/mnt");
  EXPECT_NE(options.session.mount.flags & MS_RDONLY, 0u);
}

TEST(Options, FsnameBeatsTheSource) {
  EXPECT_EQ(Good({"-ofsname=image", "src", "/mnt", "-olowerdir=/a"}).session.mount.source, "image");
}

TEST(Options, WithoutUpperItIsReadOnlyWhateverFstabSays) {
  EXPECT_NE(Good({"-o", "lowerdir=/a:/b,rw", "/mnt"}).session.mount.flags & MS_RDONLY, 0u);
}

TEST(Options, WhoMaysWhat) {
  Options root = Good({"-olowerdir=/a", "/mnt"}, true);
  EXPECT_EQ(root.session.mount.flags & (MS_NOSUID | MS_NODEV), 0u);
  EXPECT_TRUE(root.session.mount.allow_other);
  Options user = Good({"-olowerdir=/a", "/mnt"}, false);
  EXPECT_EQ(user.session.mount.flags & (MS_NOSUID | MS_NODEV),
            static_cast<unsigned long>(MS_NOSUID | MS_NODEV));
  EXPECT_FALSE(user.session.mount.allow_other);
  EXPECT_FALSE(user.stack.for_others);
  EXPECT_TRUE(Good({"-olowerdir=/a,allow_other", "/mnt"}, false).stack.for_others);
}

TEST(Options, RootFileSystem) {
  EXPECT_TRUE(Good({"-olowerdir=/a", "/mnt"}, true, "@blendfs").session.survive_signals);
  EXPECT_TRUE(Good({"-olowerdir=/a,rootfs", "/mnt"}).root_file_system);
  EXPECT_FALSE(Good({"-olowerdir=/a", "/mnt"}).session.survive_signals);
}

TEST(Options, Durability) {
  EXPECT_TRUE(Good({"-olowerdir=/a,fsync=strict", "/m"}).merge.strict_sync);
  for (const char* word : {"volatile", "fsync=volatile"}) {
    Options options = Good({"-o", std::string("lowerdir=/a,") + word, "/m"});
    EXPECT_TRUE(options.stack.volatile_upper) << word;
    EXPECT_TRUE(options.merge.volatile_upper) << word;
    EXPECT_TRUE(options.session.volatile_upper) << word;
  }
  EXPECT_THAT(Bad({"-olowerdir=/a,fsync=never", "/m"}), HasSubstr("auto, strict or volatile"));
}

TEST(Options, Statistics) {
  EXPECT_TRUE(Good({"-olowerdir=/a,stats", "/m"}).session.statistics);
  Options to_file = Good({"-olowerdir=/a,stats=/run/counts", "/m"});
  EXPECT_TRUE(to_file.session.statistics);
  EXPECT_EQ(to_file.session.statistics_file, "/run/counts");
}

TEST(Options, OverlayWordsAreTakenAndDifferencesNoted) {
  EXPECT_THAT(
      Good({"-olowerdir=/a,redirect_dir=on,index=on,metacopy=on,xino=auto,uuid=null,nfs_export=off",
            "/m"})
          .notes,
      IsEmpty());
  EXPECT_THAT(Good({"-olowerdir=/a,redirect_dir=off,index=off,xino=off", "/m"}).notes, SizeIs(2));
  EXPECT_EQ(Good({"-olowerdir=/a", "/m"}).stack.redirects, std::nullopt);
  for (const auto& [value, redirects] : {std::pair("on", layer::Redirects::kMake),
                                         {"follow", layer::Redirects::kFollow},
                                         {"off", layer::Redirects::kFollow},
                                         {"nofollow", layer::Redirects::kRefuse}}) {
    EXPECT_EQ(Good({std::string("-olowerdir=/a,redirect_dir=") + value, "/m"}).stack.redirects,
              redirects);
  }
  EXPECT_FALSE(Good({"-olowerdir=/a,metacopy=off", "/m"}).merge.metadata_only_copies);
  EXPECT_THAT(Bad({"-olowerdir=/a,nfs_export=on", "/m"}), HasSubstr("not supported"));
  EXPECT_THAT(Bad({"-olowerdir=/a,verity=require", "/m"}), HasSubstr("not supported"));
  EXPECT_THAT(Bad({"-olowerdir=/a,xino=maybe", "/m"}), HasSubstr("on, off or auto"));
}

TEST(Options, KernelOptionsAreHandedOn) {
  EXPECT_THAT(Good({"-olowerdir=/a,context=u:r:t", "/m"}).session.mount.kernel_options,
              ElementsAre("context=u:r:t"));
}

TEST(Options, HelpAndVersionNeedNothingElse) {
  EXPECT_EQ(Good({"--help"}).action, Options::Action::kHelp);
  EXPECT_EQ(Good({"-V"}).action, Options::Action::kVersion);
  EXPECT_THAT(Usage(), HasSubstr("lowerdir="));
}

TEST(Options, DebugStaysInTheForeground) {
  EXPECT_TRUE(Good({"-d", "-olowerdir=/a", "/m"}).foreground);
  EXPECT_TRUE(Good({"-olowerdir=/a,debug", "/m"}).session.debug);
}

TEST(Options, AfterDoubleDashAllAreOperands) {
  EXPECT_EQ(Good({"-olowerdir=/a", "--", "-strange"}).session.mount.target, "-strange");
}

TEST(OptionsComplaints, NameTheWordAndTheRemedy) {
  EXPECT_THAT(Bad({}), HasSubstr("no mount point"));
  EXPECT_THAT(Bad({"/mnt"}), HasSubstr("lowerdir= is missing"));
  EXPECT_THAT(Bad({"-olowerdir=/a,uperdir=/u", "/mnt"}), HasSubstr("unknown option 'uperdir=/u'"));
  EXPECT_THAT(Bad({"-olowerdir=/a,upperdir=/u", "/mnt"}), HasSubstr("without workdir="));
  EXPECT_THAT(Bad({"-olowerdir=/a,workdir=/w", "/mnt"}), HasSubstr("without upperdir="));
  EXPECT_THAT(Bad({"-olowerdir=/a::/b", "/mnt"}), HasSubstr("empty part"));
  EXPECT_THAT(Bad({"-olowerdir=", "/mnt"}), HasSubstr("empty part"));
  EXPECT_THAT(Bad({"-olowerdir=/a,upperdir=", "/mnt"}), HasSubstr("upperdir= is empty"));
  EXPECT_THAT(Bad({"-olowerdir", "/mnt"}), HasSubstr("needs a value"));
  EXPECT_THAT(Bad({"-olowerdir=/a,threads=0", "/mnt"}),
              HasSubstr("threads=0: use a number from 1 to 1024"));
  EXPECT_THAT(Bad({"-olowerdir=/a,threads=9x", "/mnt"}), HasSubstr("threads=9x"));
  EXPECT_THAT(Bad({"-olowerdir=/a,passthrough=on", "/mnt"}), HasSubstr("auto or off"));
  EXPECT_THAT(Bad({"--frobnicate", "/mnt"}), HasSubstr("unknown argument '--frobnicate'"));
  EXPECT_THAT(Bad({"-olowerdir=/a", "x", "y", "z"}), HasSubstr("too many operands"));
  EXPECT_THAT(Bad({"-o"}), HasSubstr("needs a value after it"));
}

TEST(OptionsComplaints, TooManyLowers) {
  std::string lowers = "lowerdir=/0";
  for (int i = 1; i < 600; ++i) lowers += ":/" + std::to_string(i);
  EXPECT_THAT(Bad({"-o", lowers, "/mnt"}), HasSubstr("600 directories"));
}

}  // namespace
}  // namespace blendfs::tools
