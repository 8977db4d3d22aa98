#!/usr/bin/perl
# packaging/links.pl PAGE DOCUMENT...: prints a Markdown page for a package that installs these documents. A link to another file of the
# source repository becomes its text and the path of the file. All paths are relative to the repository.
use strict;
use warnings;

my ($page, @documents) = @ARGV;
my %installed = map { $_ => 1 } @documents;
my ($folder) = $page =~ m{^(.*/)?[^/]+$};

# The path of a link's target, relative to the repository.
sub resolve {
    my @parts;
    for my $part (split m{/}, ($folder // '') . shift) {
        if ($part eq '..') { pop @parts }
        elsif ($part ne '.' && $part ne '') { push @parts, $part }
    }
    return join '/', @parts;
}

sub rewrite {
    my ($link, $text, $target) = @_;
    my ($path) = split /#/, $target;
    my $source = resolve($path);
    return $link if $target =~ m{^[a-z]+:} || $path eq '' || $installed{$source} || $installed{"$source/README.md"};
    return $text eq $source || $text eq "`$source`" ? $text : "$text (source: $source)";
}

open my $file, '<', $page or die "$page: $!\n";
my $markdown = do { local $/; <$file> };
$markdown =~ s{(\[([^\[\]]*)\]\(([^)\s]+)\))}{rewrite($1, $2, $3)}ge;
print $markdown;
