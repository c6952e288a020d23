# Links the files of all packages into one folder: a folder that only one of them has is one link.
use strict;
use warnings;

my (%target, %priority, %isFolder);

sub contentOf {
    my ($file) = @_;
    open(my $handle, '<', $file) or die "cannot read $file: $!\n";
    local $/;
    return scalar(<$handle>);
}

sub isSame {
    my ($one, $two) = @_;
    return 0 if -d $one || -d $two || (-x $one xor -x $two);
    return contentOf($one) eq contentOf($two);
}

sub addChildren {
    my ($relative, $folder, $priority) = @_;
    opendir(my $handle, $folder) or die "cannot list $folder: $!\n";
    my @names = sort grep { $_ ne '.' && $_ ne '..' } readdir($handle);
    closedir($handle);
    add("$relative/$_", "$folder/$_", $priority) for @names;
}

sub add {
    my ($relative, $path, $priority) = @_;
    my $other = $target{$relative};
    if ($isFolder{$relative} && -d $path) {
        addChildren($relative, $path, $priority);
    } elsif (!defined $other || !-e $other) {
        ($target{$relative}, $priority{$relative}) = ($path, $priority);
    } elsif (-d $other && -d $path) {
        $isFolder{$relative} = 1;
        addChildren($relative, $other, $priority{$relative});
        addChildren($relative, $path, $priority);
    } elsif ($priority < $priority{$relative}) {
        ($target{$relative}, $priority{$relative}) = ($path, $priority);
    } elsif ($priority == $priority{$relative} && !$ENV{ignoreCollisions} && !isSame($other, $path)) {
        die "collision between $path and $other\n";
    }
}

my @wanted = split(' ', $ENV{pathsToLink});
sub isWanted {
    my ($relative) = @_;
    return grep { $_ eq '/' || index("$relative/", "$_/") == 0 || index("$_/", "$relative/") == 0 } @wanted;
}

$isFolder{''} = 1;
for my $line (split(/\n/, contentOf($ENV{chosenPath}))) {
    my ($priority, $path) = split(' ', $line, 2);
    add('', $path, $priority);
}
for my $relative (sort keys %isFolder) {
    mkdir("$ENV{out}$relative") or die "cannot make $relative: $!\n" if isWanted($relative);
}
for my $relative (sort keys %target) {
    next if $isFolder{$relative} || !isWanted($relative);
    symlink($target{$relative}, "$ENV{out}$relative") or die "cannot link $relative: $!\n";
}
